"""The files of a run's folder, by their names."""

import os
import re
from pathlib import Path

from sdd.files import parts

_LEVEL = re.compile(r"level-(?P<number>\d{3,})\.ckpt")
_CHECKPOINT = re.compile(r"epoch-\d{6,}\.ckpt")


class RunFiles:
    """Where the files of one run are, and which of those with numbers are there.

    Args:
        path: The folder; it need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @property
    def config(self) -> Path:
        """The run's full configuration."""
        return self.path / "config.yaml"

    @property
    def settings_file(self) -> Path:
        """The settings that decide the run's numbers, and which of them were chosen."""
        return self.path / "settings.json"

    @property
    def environment_file(self) -> Path:
        """Versions, machine and threads that the run was started with."""
        return self.path / "environment.json"

    @property
    def data_file(self) -> Path:
        """Label noise as it was drawn, and fingerprints of the data that the run was started with."""
        return self.path / "data.json"

    @property
    def curve(self) -> Path:
        """The run's curve, one row a level."""
        return self.path / "curve.csv"

    @property
    def columns(self) -> Path:
        """Descriptions of the curve's columns."""
        return self.path / "columns.json"

    @property
    def picture(self) -> Path:
        """Picture of the curve."""
        return self.path / "curve.png"

    @property
    def summary(self) -> Path:
        """Phases and correlations; written last, so that it marks a finished run."""
        return self.path / "summary.json"

    @property
    def loss_curves(self) -> Path:
        """The loss along random directions around each level's weights, where it was measured."""
        return self.path / "loss_curves.csv"

    @property
    def spectrum(self) -> Path:
        """Density of the Hessian's eigenvalues at each level, where it was measured."""
        return self.path / "spectrum.csv"

    @property
    def distance_path(self) -> Path:
        """The learning distance after every epoch, where it was measured."""
        return self.path / "distance_path.csv"

    @property
    def epochs(self) -> Path:
        """What each level's network did after its epochs, where it was measured."""
        return self.path / "epochs.csv"

    @property
    def own_files(self) -> tuple[Path, ...]:
        """The tables and other small files that a run may have, and whose checksums are kept."""
        start = (self.config, self.settings_file, self.environment_file, self.data_file)
        more = (self.loss_curves, self.spectrum, self.distance_path, self.epochs)
        return (*start, self.curve, self.columns, self.summary, *more)

    @property
    def _levels(self) -> Path:
        """Folder of the weights and masks of each trained level."""
        return self.path / "levels"

    @property
    def _checkpoints(self) -> Path:
        """Folder of the checkpoints to resume from."""
        return self.path / "checkpoints"

    @property
    def _lock(self) -> Path:
        """Lock file that the process working in the folder holds."""
        return self.path / ".lock"

    def level_checkpoint(self, level: int) -> Path:
        """Weights and masks of a trained level."""
        return self._levels / f"level-{level:03d}.ckpt"

    def stored_levels(self) -> list[int]:
        """Return the numbers of the levels whose weights and masks are stored, rising."""
        found = (_LEVEL.fullmatch(path.name) for path in self._levels.glob("level-*.ckpt"))
        return sorted(int(name["number"]) for name in found if name is not None)

    def checkpoint(self, epochs_done: int) -> Path:
        """A checkpoint to resume from."""
        return self._checkpoints / f"epoch-{epochs_done:06d}.ckpt"

    def checkpoints(self) -> list[Path]:
        """All checkpoints to resume from, the newest first."""
        return sorted(filter(self.is_checkpoint, self._checkpoints.glob("epoch-*.ckpt")), reverse=True)

    @staticmethod
    def is_checkpoint(path: Path) -> bool:
        """Tell whether a file is named as a checkpoint to resume from, not as one of a user's ModelCheckpoint."""
        return _CHECKPOINT.fullmatch(path.name) is not None

    @property
    def parts(self) -> list[Path]:
        """What killed processes have left half written; unless the folder is `owned`, perhaps what is written now."""
        return [part for folder in (self.path, self._levels, self._checkpoints) for part in parts(folder)]
