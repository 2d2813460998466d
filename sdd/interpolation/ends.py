"""The ends of a path: stored levels of runs."""

import hashlib
import os
import re
from dataclasses import dataclass

from sdd.errors import UserError
from sdd.models.state import State
from sdd.places import place_of
from sdd.runs.checkpoint_file import damage_of
from sdd.runs.folder import RunFolder
from sdd.runs.trained_levels import StoredLevels

_NUMBERED = re.compile(r"(?P<run>.+):(?P<level>\d+)")
_FILE = re.compile(r"level-(?P<level>\d+)\.ckpt")


@dataclass(frozen=True)
class End:
    """A trained level of a run.

    Attributes:
        folder: The run's.
        level: Its number.
    """

    folder: RunFolder
    level: int

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.folder.path} level {self.level}"

    def check(self) -> None:
        """Find out whether its weights are there.

        Raises:
            UserError: They are not.
        """
        path = self.folder.level_checkpoint(self.level)
        if self.folder.settings() is None:
            reason = self.folder.state().reason or "is no run"
            raise UserError(f"{self.folder.path} {reason}: give the folder of a run")
        if not path.is_file():
            others = sorted(path.parent.glob("level-*.ckpt"))
            if others:
                raise UserError(f"{self.folder.path} has no {path.name}; the last one there is {others[-1].name}")
            raise UserError(
                f"{self.folder.path} has no weights of its levels (checkpoint.keep_levels false, or removed since): "
                "train it again with --checkpoint.keep_levels true in another --run_dir"
            )
        if damage := damage_of(path):
            raise UserError(damage)

    def state(self) -> State:
        """Return its parameters and buffers, each [...] by name, on the CPU."""
        return StoredLevels(self.folder).weights(self.level)

    def digest(self) -> str:
        """Return 32 hex digits that are others for other weights."""
        return hashlib.sha256(self.folder.level_checkpoint(self.level).read_bytes()).hexdigest()[:32]


def end_of(text: str) -> End | None:
    """Return the level that a word of the command line names: RUN:LEVEL or a file of a run's `levels/`; else None."""
    numbered = _NUMBERED.fullmatch(text)
    if numbered is not None and not os.path.isdir(text):
        return End(RunFolder(place_of(numbered["run"], "the run")), int(numbered["level"]))
    path = place_of(text, "the run")
    file = _FILE.fullmatch(path.name)
    if file is None or not path.is_file():
        return None
    end = End(RunFolder(path.absolute().parents[1]), int(file["level"]))
    if end.folder.settings() is None:
        raise UserError(f"{path} lies in no run: give a file of the folder levels of a run")
    return end
