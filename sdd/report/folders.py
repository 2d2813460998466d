"""Which folders there are, and what state each is in: none is passed over in silence."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdd.analysis.runs import Run, read_run
from sdd.errors import UserError

STATES = ("finished", "unfinished", "started", "damaged", "other")
"""Of a folder: whole; some levels done; no level done yet; something in it cannot be used; no run."""

_SETTINGS, _CURVE, _SUMMARY = "settings.json", "curve.csv", "summary.json"

# Written when a run starts, before its settings.
_FIRST_FILES = {"environment.json", "config.yaml", "levels", "checkpoints"}

# What the page is made from.
_READ = (_SETTINGS, _CURVE, _SUMMARY, "environment.json", "columns.json", "loss_curves.csv")

_DEEPEST = 3


@dataclass(frozen=True)
class Folder:
    """A folder that was given, or found in one that was.

    Attributes:
        path: As it was given, or below what was given.
        state: One of `STATES`.
        reason: What is lacking, in words; None for a finished run.
        run: The run in it as far as it can be used, or None.
        settings: Those of the run where they can be read, whether or not it has a level.
        failed: Whether this is an error of the user's or of the disk: damaged, or given but no run.
    """

    path: Path
    state: str
    reason: str | None
    run: Run | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    failed: bool = False


def read_folders(paths: Iterable[str | os.PathLike[str]]) -> list[Folder]:
    """Read every run folder among some paths and below them, with the state of each.

    Args:
        paths: Folders of runs, or folders that hold such folders, at most three deep. One that is named twice, by
            whatever name, counts once.

    Returns:
        In the order given, those within a folder by name.
    """
    found: dict[Path, Folder] = {}
    for path in paths:
        for folder, given in _below(Path(path)):
            if folder.resolve() not in found:
                found[folder.resolve()] = read_folder(folder, given=given)
    return list(found.values())


def read_folder(path: Path, *, given: bool) -> Folder:
    """Read one folder.

    Args:
        path: The folder; it need not exist.
        given: Whether the user named it, so that it ought to be a run.
    """
    try:
        return _read_folder(path, given)
    except OSError as error:
        return Folder(path, "damaged", f"cannot be read: {error.strerror or error}", None, failed=True)


def signature(paths: Iterable[str | os.PathLike[str]]) -> tuple[Any, ...]:
    """Return what changes as soon as a run below some paths does: names, sizes and times of what is read."""
    return tuple(
        (str(folder), tuple(_stamp(folder / name) for name in _READ), os.path.isdir(folder))
        for path in paths
        for folder, _ in _below(Path(path))
    )


def counts(folders: Iterable[Folder]) -> str:
    """Return how many folders are in which state, in words."""
    words = {"started": "without a level yet", "other": "no run"}
    by_state = Counter(folder.state for folder in folders)
    return ", ".join(f"{by_state[state]} {words.get(state, state)}" for state in STATES if by_state[state])


def _read_folder(path: Path, given: bool) -> Folder:
    if not path.is_dir():
        what = "is a file" if path.exists() else "is not there"
        return Folder(path, "other", f"{what}; give the folder of a run, or one that holds runs", None, failed=given)
    settings_file, curve = path / _SETTINGS, path / _CURVE
    if not settings_file.is_file() and not curve.is_file():
        entries = sorted(entry.name for entry in path.iterdir())
        shown = [name for name in entries if not name.startswith(".")]
        if {*shown} <= _FIRST_FILES and (entries or not given):
            return Folder(path, "started", "has not finished its first level", None)
        held = f"holds {', '.join(shown[:3])}{' and more' if len(shown) > 3 else ''}" if shown else "is empty"
        return Folder(path, "other", f"no run: it {held}", None, failed=given)
    settings = _settings(settings_file)
    if settings and not curve.is_file() and not (path / _SUMMARY).is_file():
        return Folder(path, "started", "has not finished its first level", None, settings)
    try:
        run = read_run(path)
    except UserError as error:
        return Folder(path, "damaged", _without(str(error), path), None, settings, failed=True)
    if reason := _unreadable(path / _SUMMARY):
        return Folder(path, "damaged", f"{reason}; its curve.csv is used", run, run.settings, failed=True)
    if run.problem is None:
        return Folder(path, "finished", None, run, run.settings)
    if run.finished:
        return Folder(path, "damaged", run.problem, run, run.settings, failed=True)
    return Folder(path, "unfinished", run.problem, run, run.settings)


def _below(path: Path, depth: int = 0) -> Iterator[tuple[Path, bool]]:
    """Yield the folder, or what is in it where it holds runs, each with whether it was given itself."""
    if not os.path.isdir(path) or _is_run(path) or not _holds_runs(path, depth):
        yield path, depth == 0
        return
    for part in _parts(path):
        yield from _below(part, depth + 1)


def _holds_runs(path: Path, depth: int) -> bool:
    if depth >= _DEEPEST:
        return False
    return any(_is_run(part) or _holds_runs(part, depth + 1) for part in _parts(path))


def _is_run(path: Path) -> bool:
    return os.path.isfile(path / _SETTINGS) or os.path.isfile(path / _CURVE)


def _parts(path: Path) -> list[Path]:
    """Return the folders in a folder, but for those of logs; none where it cannot be read, as `read_folder` says."""
    try:
        inside = [part for part in sorted(path.iterdir()) if os.path.isdir(part) and not part.name.startswith(".")]
    except OSError:
        return []
    return [part for part in inside if not _holds_logs(part)]


def _holds_logs(path: Path) -> bool:
    """Tell whether all that a folder holds is logs, as a sweep leaves them beside its runs."""
    try:
        names = os.listdir(path)
    except OSError:
        return False
    return bool(names) and all(name.endswith(".log") for name in names)


def _settings(path: Path) -> dict[str, Any]:
    """Return a run's settings; none where they cannot be read, of which `read_run` says why."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _unreadable(summary: Path) -> str | None:
    """Return why a summary cannot be read, or None where it can or is not there."""
    if not summary.is_file():
        return None
    try:
        content = json.loads(summary.read_bytes())
    except (OSError, ValueError) as error:
        return f"summary.json is damaged: {error}"
    return None if isinstance(content, dict) else "summary.json is damaged: it holds no summary"


def _without(text: str, path: Path) -> str:
    """Return a problem without the folder's path, which stands beside it."""
    return text.replace(f"{path}{os.sep}", "").removeprefix(f"{path} ")


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
