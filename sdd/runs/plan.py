"""What a command line asks for, known before any network is built or data read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdd.runs.folder import digest


@dataclass(frozen=True)
class Plan:
    """What a command line of `fit` asks for.

    Attributes:
        config_name: Of the configuration file, without its ending.
        seed: Of the training.
        settings: What decides the numbers, as flat dotted keys.
    """

    config_name: str
    seed: int
    settings: dict[str, Any]

    def run_dir(self, runs: Path = Path("runs")) -> Path:
        """Return the folder in `runs` that a run of these settings always finds."""
        return runs / f"{self.config_name}-s{self.seed}-{digest(self.settings)}"
