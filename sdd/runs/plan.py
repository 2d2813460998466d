"""What a command line asks for, known before any network is built or data read."""

from dataclasses import dataclass
from pathlib import Path

from sdd.runs.settings import Settings, digest


@dataclass(frozen=True)
class Plan:
    """What a command line of `fit` asks for.

    Attributes:
        config_name: Of the configuration file, without its ending.
        seed: Of the training.
        settings: What the run is told by.
        levels: How many levels it trains, the dense one included.
    """

    config_name: str
    seed: int
    settings: Settings
    levels: int

    def run_dir(self, runs: Path = Path("runs")) -> Path:
        """Return the folder in `runs` that a run of these settings always finds."""
        return runs / f"{self.config_name}-s{self.seed}-{self.settings.digest()}"

    def measured_run_dir(self, runs: Path) -> Path:
        """Return the folder in `runs` that a run of these settings finds which measures the same beside its numbers."""
        told = {**self.settings.chosen, **self.settings.measures}
        return runs / f"{self.config_name}-s{self.seed}-{digest(told)}"
