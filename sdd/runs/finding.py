"""Which folders hold runs."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from sdd.errors import UserError
from sdd.places import resolved
from sdd.runs.folder import RunFolder

_DEEPEST = 3


def runs_in(paths: Sequence[Path]) -> list[RunFolder]:
    """Return the runs among some folders and below them, at most three deep, each once; what is no run is passed over.

    Args:
        paths: Folders.

    Raises:
        UserError: There is no run in one of them.
    """
    found: dict[Path, RunFolder] = {}
    for path in paths:
        below = list(_below(path, 0))
        if not below:
            raise UserError(f"{path} holds no run: give the folder of a run, or one that holds runs")
        found |= {resolved(folder.path): folder for folder in below if resolved(folder.path) not in found}
    return list(found.values())


def _below(path: Path, depth: int) -> Iterator[RunFolder]:
    if is_run(path):
        yield RunFolder(path)
    elif depth < _DEEPEST and path.is_dir():
        for part in _entries(path):
            if part.is_dir() and not part.name.startswith("."):
                yield from _below(part, depth + 1)


def _entries(path: Path) -> list[Path]:
    """Return what is in a folder; nothing of one that is being removed.

    Raises:
        UserError: It may not be read.
    """
    try:
        return sorted(path.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error


def is_run(path: Path) -> bool:
    """Tell whether a folder is that of a run that has been started."""
    return path.is_dir() and RunFolder(path).settings_file.is_file()
