"""Paths as a user writes them, on a command line or in a configuration, made into places of this machine's files."""

import argparse
import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdd.errors import UserError
from sdd.files import check_folder
from sdd.messages import is_utf8

_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # of two letters at least: C: is a drive

_HOME = "HOME"

_LONGEST_WITHIN = "checkpoints/.epoch-000000.ckpt-0123456789.part"
"""The longest name of a run's own files, below its folder."""

_SHOWN = 60


def place_of(text: str | os.PathLike[str], named: str, seed: int | None = None) -> Path:
    """Return the path that a user has written: `~` is the home folder, `$NAME` the environment variable.

    Nowhere else is either expanded, so that all files of a run lie in one folder, whoever opens them.

    Args:
        text: As it was written.
        named: What names it, such as `run_dir`, for messages.
        seed: Training seed, for which {seed} stands in it.

    Raises:
        UserError: It is empty, too long, no text of one line in UTF-8, or an address and no path; or it names a user or
            a variable that there is not.
    """
    written = os.fspath(text) if seed is None else os.fspath(text).replace("{seed}", str(seed))
    shown = _shown(written)
    if not written.strip():
        raise UserError(f"{named} is {shown}: give a path, or leave it out")
    if not is_utf8(written):
        raise UserError(f"{named} is {shown}, which is not UTF-8: rename it")
    if _CONTROL.search(written):
        raise UserError(f"{named} is {shown}, which holds a line break or another control character: rename it")
    if "::" in written or "://" in written or _ADDRESS.match(written):
        raise UserError(
            f"{named} is {shown}, which reads as an address: give a path on this machine, without :: in it; a folder "
            "of such a name is ./NAME"
        )
    if written.startswith("~"):
        _note(_HOME)
    expanded = os.path.expanduser(_VARIABLE.sub(lambda found: _variable(found, named, shown), written))
    if expanded.startswith("~"):
        raise UserError(f"{named} is {shown}, but there is no such user; a folder of such a name is ./~NAME")
    path = Path(expanded)
    _check_length(path, named, shown)
    return path if names_itself(path) else path.absolute()


_variables: set[str] | None = None
"""The names of variables that stand in paths are added to this; None: nobody asks."""


@contextmanager
def expanded_variables() -> Iterator[set[str]]:
    """Find out which environment variables stand in the paths that are read meanwhile.

    Yields:
        A set that fills with their names; that of the home folder, of which `~` makes use, is among them.
    """
    global _variables
    before, found = _variables, set[str]()
    _variables = found
    try:
        yield found
    finally:
        _variables = before


def _note(name: str) -> None:
    if _variables is not None:
        _variables.add(name)


def check_run_place(path: Path, named: str) -> None:
    """Find out whether a run can be written to a folder, which need not be there.

    Raises:
        UserError: It cannot.
    """
    _check_length(path / _LONGEST_WITHIN, named, _shown(str(path)))
    check_folder(named, path)


def resolved(path: Path) -> Path:
    """Return the path without links and `..`; unlike pathlib's own, of links that go round in a circle too."""
    return Path(os.path.realpath(path))


def path_argument(text: str) -> Path:
    """Return the path that an argument of a command names: the `type` of an `argparse` argument.

    Raises:
        argparse.ArgumentTypeError: As `place_of`.
    """
    try:
        return place_of(text, "the path")
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def names_itself(path: Path) -> bool:
    """Tell whether a path would be read as itself, where it is handed on as a text."""
    return not str(path).startswith("~") and _ADDRESS.match(str(path)) is None


def _variable(found: re.Match[str], named: str, shown: str) -> str:
    name = found[1] or found[2]
    _note(name)
    value = os.environ.get(name)
    if not value:
        raise UserError(f"{named} is {shown}, but the environment variable {name} is not set")
    return value


def _check_length(path: Path, named: str, shown: str) -> None:
    """Find out whether the system takes names and paths of this length."""
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UserError(
                f"{named} is {shown}, which is too long for this file system: give a shorter one"
            ) from error


def _shown(text: str) -> str:
    """Return a path as it is quoted in a message: on one line, and not longer than that can be."""
    quoted = repr(text) if is_utf8(text) else ascii(text)
    return quoted if len(quoted) <= _SHOWN else f"{quoted[:_SHOWN]}…{quoted[0]} ({len(text):,} characters)"
