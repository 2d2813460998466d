"""What a part of an experiment raises, told in one line that names the part."""

import errno
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

from sdd.errors import UserError
from sdd.messages import one_line

_TROUBLES = {
    ("cannot write", "there is room on the disk"): ("ENOSPC",),
    ("cannot write", "there is room within the quota"): ("EDQUOT",),
    ("cannot write", "files may be that large"): ("EFBIG",),
    ("cannot write", "that file system may be written to"): ("EROFS",),
    ("no permission", "you have that permission"): ("EACCES", "EPERM"),
    ("disk error", "the disk works"): ("EIO", "ENODEV", "ENOTCONN", "ENXIO", "EREMOTEIO", "ESTALE"),
}
_BY_NUMBER = {getattr(errno, name): told for told, names in _TROUBLES.items() for name in names if hasattr(errno, name)}

TRACEBACK = "SDD_TRACEBACK"
"""Variable that has tracebacks shown before the line of an error."""

_SEARCH = "optuna"
"""Package whose errors are not failures of the callback that raises them."""

_OWN = Path(__file__).parent
_LIBRARIES = tuple(Path(path) for path in {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


def disk_trouble(error: BaseException) -> tuple[str, str] | None:
    """Return what an error says is wrong with files or the disk, and what must be so for it to end; None: nothing.

    They are words of one sentence: "no permission (...); give the command again once you have that permission".

    A disk may be full, or not work, a network file system not be there any more, a file not be ours to read or write.
    """
    return _BY_NUMBER.get(error.errno) if isinstance(error, OSError) and error.errno is not None else None


def failure(part: str, error: Exception) -> Exception:
    """Return the error to raise for one that a part has raised: of one line, with the place in the user's own code.

    Args:
        part: What raised it, such as `model.loss my_package.mine`.
        error: What it raised; what is told in one line already, is about the disk, or is no failure since a search
            ends the run by it, is returned as it is.
    """
    if isinstance(error, UserError) or disk_trouble(error) or _of_a_search(error):
        return error
    text = one_line(str(error))
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    place = own_place(error)
    return UserError(f"{part} raised {said}" + (f" ({place})" if place else ""))


def _of_a_search(error: Exception) -> bool:
    """Tell whether a callback asks with an error for its run to end, as those of Optuna do with `TrialPruned`."""
    return type(error).__module__.partition(".")[0] == _SEARCH


@contextmanager
def naming(part: str) -> Iterator[None]:
    """Name the part in whatever is raised meanwhile.

    Raises:
        UserError: Something else than a UserError was raised.
    """
    try:
        yield
    except Exception as error:
        told = failure(part, error)
        if told is error:
            raise
        raise told from error


@contextmanager
def telling(doing: str) -> Iterator[None]:
    """Tell in one line, too, what nobody has foreseen before a run starts, where nothing is lost by it.

    The setting cannot be named: the message says what was being done, and how to see where it was raised.

    Args:
        doing: What is done meanwhile.

    Raises:
        UserError: Something else than a UserError was raised.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and not error.code:
            raise  # as after --print_config
        told = failure(doing, error if isinstance(error, Exception) else RuntimeError(f"it ended with {error.code}"))
        if told is error:
            raise
        raise UserError(f"{told}; {TRACEBACK}=1 before the command shows where") from error


def own_place(error: BaseException) -> str | None:
    """Return the file and line of the user's own code where an error arose; None where none of it was running."""
    place = None
    for frame, line in walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        if is_own(path):
            place = f"{path.name}, line {line}"
    return place


def is_own(path: Path) -> bool:
    """Tell whether a file is the user's own, and neither of sdd nor of a library."""
    return path.is_file() and not is_of_library(path)


def is_of_library(path: Path) -> bool:
    """Tell whether a file is one of sdd or of a library."""
    return any(path.is_relative_to(folder) for folder in (_OWN, *_LIBRARIES))
