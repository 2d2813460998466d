"""How far a run has come, as its files tell from outside: nothing is locked, so that no run is ever in the way."""

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sdd.analysis.curve import read_curve
from sdd.errors import UserError
from sdd.runs.folder import RunFolder
from sdd.runs.heartbeat import last_beat
from sdd.runs.verdict import verdict_words

Word = Literal["finished", "at work", "stopped", "damaged"]

_SILENT_SECONDS = 120.0
"""A run on another machine that has given no sign of life for so long counts as stopped."""


@dataclass(frozen=True)
class Look:
    """A run, looked at.

    Attributes:
        folder: The run's.
        word: `at work`: a process of this machine holds the folder, be it a notebook's; or, where that is not known or
            it is on another machine, it was heard of in the last two minutes.
        done: Levels in its curve.
        levels: That it trains, the dense one included; None where its version did not record that.
        silence: Seconds since something of it was last written.
        left: Seconds until its end, if each level to come takes as long as the mean one before; None: not known.
        told: The verdict of a finished run; what one at work does; what is wrong with a damaged one.
    """

    folder: RunFolder
    word: Word
    done: int
    levels: int | None
    silence: float
    left: float | None
    told: str


def look_at(folder: RunFolder) -> Look:
    """Look at a run."""
    state = folder.state()
    beat_file = folder.path.parent / ".heartbeats" / folder.path.name
    silence = _silence(folder, beat_file)
    try:
        done, levels = folder.levels_done(), _levels(folder)
    except (UserError, OSError):
        done, levels = 0, None
    if state.name == "finished":
        return Look(folder, "finished", done, levels, silence, 0.0, verdict_words(folder))
    if state.name in ("damaged", "other", "new"):
        return Look(folder, "damaged", done, levels, silence, None, state.reason or "")
    if not _works(folder, silence):
        return Look(folder, "stopped", done, levels, silence, None, "")
    beat = last_beat(beat_file)
    told = beat.words if beat is not None and time.time() - beat.moment / 1e9 < _SILENT_SECONDS else ""
    return Look(folder, "at work", done, levels, silence, _left(folder, done, levels), told)


def _works(folder: RunFolder, silence: float) -> bool:
    """Tell whether a process works in the folder."""
    holder = folder.last_holder()
    if holder is None:
        return silence < _SILENT_SECONDS
    host, process = holder
    if host != socket.gethostname():
        return silence < _SILENT_SECONDS
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return folder.is_held_by(process) or _may_train(process) or silence < _SILENT_SECONDS


def _may_train(process: int) -> bool:
    """Tell whether a living process can be one of sdd, not one that got its number later; yes where nobody says."""
    try:
        return b"sdd" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return True


def _silence(folder: RunFolder, beat_file: Path) -> float:
    """Return the seconds since a file of the run, its log or its heartbeat was written."""
    log = folder.path.parent / "logs" / f"{folder.path.name}.log"
    try:
        within = [one for one in folder.path.iterdir() if one.is_dir()]
    except OSError:  # it is being removed
        within = []
    moments = [_moment(path) for path in (folder.path, *within, folder.curve, beat_file, log)]
    return max(time.time() - max(moments, default=0.0), 0.0)


def _moment(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _levels(folder: RunFolder) -> int | None:
    settings = folder.settings()
    return None if settings is None else settings.levels


def _left(folder: RunFolder, done: int, levels: int | None) -> float | None:
    if levels is None or not done:
        return None
    try:
        seconds = [float(row["seconds"]) for row in read_curve(folder.curve)]
    except (UserError, OSError, KeyError, ValueError):
        return None
    return (levels - done) * sum(seconds) / len(seconds) if seconds else None
