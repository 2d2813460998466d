"""Which folders hold runs."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from sdd.errors import UserError
from sdd.places import resolved
from sdd.runs.folder import RunFolder

_DEEPEST = 3


def folders_in(path: Path) -> list[Path]:
    """Return a folder, or, where it is no run but holds some, at most three deep, what lies in it.

    Args:
        path: The folder; it need not exist.

    Returns:
        Runs and, beside them, folders that hold none, by name. A run is not searched further; what has a name that
        begins with a dot, and folders of logs, are passed over.
    """
    return list(_below(path, 0))


def run_folders_in(path: Path) -> list[Path]:
    """Return those of `folders_in` that are runs, and those that may not be read; where there is none, the folder.

    Args:
        path: The folder; it need not exist.
    """
    found = [part for part in folders_in(path) if RunFolder(part).is_run or _unreadable(part) is not None]
    return found or [path]


def runs_in(paths: Sequence[Path]) -> list[RunFolder]:
    """Return the runs among some folders and below them, each once; what is no run is passed over.

    Args:
        paths: Folders.

    Raises:
        UserError: There is no run in one of them, or one may not be read.
    """
    found: dict[Path, RunFolder] = {}
    for path in paths:
        for part in run_folders_in(path):
            folder = RunFolder(part)
            if not folder.is_run:
                why = _unreadable(part)
                raise UserError(_none_in(path) if why is None else f"{part} cannot be read: {why}")
            found.setdefault(resolved(part), folder)
    return list(found.values())


def _none_in(path: Path) -> str:
    what = "holds no run" if path.is_dir() else f"is {'a file' if path.exists() else 'not there'}"
    return f"{path} {what}: give the folder of a run, or one that holds runs, at most {_DEEPEST} folders deep"


def is_run(path: Path) -> bool:
    """Tell whether a folder is that of a run that has been started."""
    return path.is_dir() and RunFolder(path).settings_file.is_file()


def _below(path: Path, depth: int) -> Iterator[Path]:
    """Yield the folder, or what is in it where it holds runs."""
    if not os.path.isdir(path) or RunFolder(path).is_run or not _holds_runs(path, depth):
        yield path
        return
    for part in _parts(path):
        yield from _below(part, depth + 1)


def _holds_runs(path: Path, depth: int) -> bool:
    if depth >= _DEEPEST:
        return False
    return any(RunFolder(part).is_run or _holds_runs(part, depth + 1) for part in _parts(path))


def _parts(path: Path) -> list[Path]:
    """Return the folders in a folder, but for those of logs; none where it cannot be read, or has been removed."""
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


def _unreadable(path: Path) -> str | None:
    """Return why a folder may not be read; None where it may, or is none, or has just been removed."""
    try:
        next(path.iterdir(), None)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return error.strerror or str(error)
    return None
