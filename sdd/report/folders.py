"""Folders that the page is made from, each with its state: those without a usable run are listed too."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sdd.analysis.reading import Run, read_run
from sdd.analysis.versions import complete_settings
from sdd.errors import UserError
from sdd.places import resolved
from sdd.runs.finding import folders_in
from sdd.runs.folder import RunFolder, StateName
from sdd.runs.settings import Settings

STATES: tuple[StateName, ...] = ("finished", "unfinished", "started", "damaged", "other")
"""States of a folder, as in `RunFolder`; one that nothing is in yet has been started, or is no run if it was named."""

_WHAT_TO_GIVE = "; give the folder of a run, or one that holds runs"


@dataclass(frozen=True)
class Folder:
    """A folder that was given, or found in one that was.

    Attributes:
        path: As it was given, or below what was given.
        state: One of `STATES`.
        reason: What is lacking, in words; None for a finished run.
        run: The run in it as far as it can be used, or None.
        settings: Those of the run where they can be read, whether or not it has a level; complete, as `Run` has them.
        chosen: Those of them that differed from the defaults.
        environment: What the run was started with; None where that is not known.
        notes: What of the folder cannot be read although its run can be used, in words.
        failed: Whether this is an error of the user's or of the disk: damaged, or given but no run.
    """

    path: Path
    state: StateName
    reason: str | None
    run: Run | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    chosen: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
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
        for folder in folders_in(Path(path)):
            if resolved(folder) not in found:
                found[resolved(folder)] = read_folder(folder, given=folder == Path(path))
    complete = complete_settings([(folder.chosen, folder.settings) for folder in found.values()])
    return [_with_settings(folder, settings) for folder, settings in zip(found.values(), complete, strict=True)]


def read_folder(path: Path, *, given: bool) -> Folder:
    """Read one folder.

    Args:
        path: The folder; it need not exist.
        given: Whether the user named it, so that it ought to be a run.
    """
    folder = RunFolder(path)
    state, held = folder.state(), _settings(folder)
    if state.name == "new":
        if not given:
            return Folder(path, "started", "has not finished its first level", None)
        return Folder(path, "other", f"{state.reason}{_WHAT_TO_GIVE}", None, failed=True)
    if state.name == "other":
        return Folder(path, "other", f"{state.reason}{'' if path.is_dir() else _WHAT_TO_GIVE}", None, failed=given)
    if state.name == "started":
        return Folder(path, "started", state.reason, None, held.values, held.chosen)
    try:
        run = read_run(path)
    except UserError as error:
        return Folder(path, "damaged", _without(str(error), path), None, held.values, held.chosen, failed=True)
    except OSError as error:
        return Folder(
            path, "damaged", f"cannot be read: {error.strerror or error}", None, held.values, held.chosen, failed=True
        )
    environment, notes = _environment(folder)
    failed = state.name == "damaged"
    return Folder(path, state.name, state.reason, run, held.values, held.chosen, environment, notes, failed)


def signature(paths: Iterable[str | os.PathLike[str]]) -> tuple[Any, ...]:
    """Return what changes as soon as a run below some paths does: names, sizes and times of what is read."""
    return tuple(
        (str(folder), tuple(map(_stamp, _read_for_the_page(folder))), os.path.isdir(folder))
        for path in paths
        for folder in folders_in(Path(path))
    )


def counts(folders: Iterable[Folder]) -> str:
    """Return how many folders are in which state, in words."""
    words = {"started": "without a level yet", "other": "no run"}
    by_state = Counter(folder.state for folder in folders)
    return ", ".join(f"{by_state[state]} {words.get(state, state)}" for state in STATES if by_state[state])


def _read_for_the_page(path: Path) -> tuple[Path, ...]:
    """Return the files of a run that the page is made from."""
    run = RunFolder(path)
    tables = run.loss_curves, run.epochs, run.distance_path
    return run.settings_file, run.curve, run.columns, run.summary, run.environment_file, run.data_file, *tables


def _with_settings(folder: Folder, settings: Mapping[str, Any]) -> Folder:
    run = None if folder.run is None else replace(folder.run, settings=settings)
    return replace(folder, run=run, settings=settings)


def _environment(folder: RunFolder) -> tuple[Mapping[str, Any] | None, tuple[str, ...]]:
    """Return what a run was started with, and what is wrong where that cannot be read."""
    try:
        return folder.environment() or None, ()
    except UserError as error:
        return None, (str(error),)


def _settings(folder: RunFolder) -> Settings:
    """Return a run's settings; none where they cannot be read, of which its state says why."""
    try:
        return folder.settings() or Settings({}, {})
    except (UserError, OSError):
        return Settings({}, {})


def _without(text: str, path: Path) -> str:
    """Return a problem without the folder's path, which stands beside it."""
    return text.replace(f"{path}{os.sep}", "").removeprefix(f"{path} ")


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
