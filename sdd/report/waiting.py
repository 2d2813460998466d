"""Folders to watch that are not there yet: what a sweep is about to make is waited for, and nothing else."""

from collections.abc import Iterable
from pathlib import Path

from sdd.errors import UserError
from sdd.shipped import SWEEPS, find

_RUNS = "runs"
"""The folder that runs and sweeps are in unless another is asked for, where the command is given."""


def awaited(paths: Iterable[Path]) -> list[Path]:
    """Return those of some folders that are not there, but that commands make by default.

    That is `runs`, and in it or in another folder that is there one with the name of a sweep.

    Args:
        paths: Folders to watch.

    Raises:
        UserError: One is a file, or is not there and has another name.
    """
    missing = []
    for path in paths:
        if path.is_dir():
            continue
        if path.exists():
            raise UserError(f"there is no run to watch: {path} is a file; give the folder of a run, or one of runs")
        if not _is_to_be_made(path):
            raise UserError(
                f"there is no run to watch: {path} is not there, and no sweep makes it by default; start the run or "
                "sweep first, and give its folder"
            )
        missing.append(path)
    return missing


def _is_to_be_made(path: Path) -> bool:
    if path.name == _RUNS:
        return path.parent.is_dir()
    within = path.parent
    if not (within.is_dir() or (within.name == _RUNS and within.parent.is_dir())):
        return False
    try:
        find(SWEEPS, path.name)
    except UserError:
        return False
    return True
