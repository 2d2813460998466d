"""Runs, read back from their folders."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sdd.analysis.columns import columns_of, read_columns
from sdd.analysis.curve import Row, read_curve
from sdd.analysis.phases import Phases, phases_of
from sdd.analysis.summary import summarise
from sdd.analysis.versions import complete_settings
from sdd.errors import UserError
from sdd.files import read_json
from sdd.measures.columns import Column
from sdd.places import resolved
from sdd.runs.data_record import PartRecord
from sdd.runs.finding import run_folders_in
from sdd.runs.folder import RunFolder
from sdd.runs.settings import DISTILL_FROM, MASKS_FROM, SEED

_SHOWN = 3


@dataclass(frozen=True)
class Run:
    """A run, finished or not, as read from its folder; or several one-shot runs joined to one curve.

    Attributes:
        path: Its folder. A joined curve has none: a path of its own beside its parts, where nothing is.
        name: Of the folder.
        settings: What decides its numbers, as flat dotted keys, with the values that were in effect; of runs that were
            read together, each has also the options that only others know of: `read_together`.
        chosen: Those of them that differed from the defaults when it was started.
        rows: One a level, as `read_curve` returns them.
        finished: Whether it is whole.
        problem: What it lacks, in words; None for a whole run.
        parts: The runs that a joined curve is made of, by sparsity; empty for a run.
        columns: Those of its rows by name, in the order of `curve.csv`.
        labels: Of its training part, as label noise left them; None where its version of sdd did not record them.
        notes: What of its folder cannot be read although it can be used, and what went wrong in its levels, in words.
    """

    path: Path
    name: str
    settings: Mapping[str, Any]
    chosen: Mapping[str, Any]
    rows: tuple[Row, ...]
    finished: bool
    problem: str | None
    parts: tuple["Run", ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)
    labels: PartRecord | None = None
    notes: tuple[str, ...] = ()

    @property
    def seed(self) -> int | None:
        """Training seed, or None where the settings name none."""
        value = self.settings.get(SEED)
        return value if isinstance(value, int) else None

    @cached_property
    def shared(self) -> dict[str, Any]:
        """Settings as its group shares them: no seed, masks of other runs only as given or not, a teacher seedless."""
        shared = {key: value for key, value in self.settings.items() if key != SEED}
        if shared.get(MASKS_FROM) is not None:
            shared[MASKS_FROM] = "given"
        if shared.get(DISTILL_FROM) is not None:
            shared[DISTILL_FROM] = _seedless(str(shared[DISTILL_FROM]), self.seed)
        return shared

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Verdict, correlations and turning point of its curve, as `summarise` gives them."""
        return summarise(self.rows, self.columns)

    @cached_property
    def phases(self) -> Phases:
        """Phases of its test accuracy."""
        return phases_of(self.rows)


@dataclass(frozen=True)
class Loaded:
    """Runs read from folders. Attributes: runs: Those that can be used. problems: A line for each other folder."""

    runs: tuple[Run, ...]
    problems: tuple[str, ...]


def read_run(path: str | os.PathLike[str]) -> Run:
    """Read a run, finished or not.

    Args:
        path: Its folder.

    Raises:
        UserError: There is no run, it is damaged, or it has not finished a level; the message is one line.
    """
    folder = RunFolder(path)
    state, settings = folder.state(), folder.settings()
    if settings is None:
        raise UserError(f"{folder.path} {state.reason}; give the folder of a run")
    if not folder.curve.is_file():
        raise UserError(f"{folder.path} {state.reason}: there is no {folder.curve.name} to read")
    rows = tuple(read_curve(folder.curve))
    if not rows:
        raise UserError(f"{folder.curve} holds no level")
    labels, notes = _labels(folder)
    return Run(
        folder.path,
        resolved(folder.path).name,
        settings.values,
        settings.chosen,
        rows,
        state.name == "finished",
        state.reason,
        columns=columns_of(rows, read_columns(folder.path)),
        labels=labels,
        notes=(*notes, *(_warnings(folder) if state.name == "finished" else ())),
    )


def read_runs(paths: Iterable[str | os.PathLike[str]]) -> Loaded:
    """Read several runs; a folder that is no run but holds some, at most three deep, stands for them.

    Args:
        paths: Folders. One that is named twice, by whatever name, counts once.

    Returns:
        The runs in the order given, those within a folder by name, and what is wrong with the others.
    """
    runs: dict[Path, Run] = {}
    problems: list[str] = []
    for path in paths:
        for folder in run_folders_in(Path(path)):
            if resolved(folder) in runs:
                continue
            try:
                runs[resolved(folder)] = read_run(folder)
            except UserError as error:
                problems.append(str(error))
            except OSError as error:
                problems.append(f"{folder} cannot be read: {error.strerror or error}")
    return Loaded(read_together(runs.values()), tuple(dict.fromkeys(problems)))


def why_none(problems: Sequence[str]) -> str:
    """Return why no run could be read, in words that follow `there is no run`.

    Args:
        problems: Of the folders; none where none was given.
    """
    if not problems:
        return "; give folders of runs, such as runs/digits_mlp-*"
    further = len(problems) - _SHOWN
    return f": {'; '.join(problems[:_SHOWN])}" + (f"; and {further} more" if further > 0 else "")


def read_together(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Return runs with settings that can be compared: an option that only some of them know is at its default."""
    known = tuple(runs)
    complete = complete_settings([(run.chosen, run.settings) for run in known])
    return tuple(replace(run, settings=settings) for run, settings in zip(known, complete, strict=True))


def _seedless(path: str, seed: int | None) -> str:
    """Return a path that names a run's own seed as one that has {seed} there, so that seeds of one experiment agree.

    Of a folder that has the name that sdd gives it, the digits after the seed depend on the seed and go too.
    """
    named = re.sub(rf"-s{seed}-[0-9a-f]{{8}}(?=/*$)", "-s{seed}", path)
    return re.sub(rf"(?<![\d.]){seed}(?![\d.])", "{seed}", named)


def _labels(folder: RunFolder) -> tuple[PartRecord | None, tuple[str, ...]]:
    """Return what is known of a run's training labels, and what is wrong where that cannot be read."""
    try:
        record = folder.data_record()
    except UserError as error:
        return None, (str(error),)
    return (None if record is None else record.parts.get("train")), ()


def _warnings(folder: RunFolder) -> list[str]:
    """Return what a finished run has noted as wrong in its levels; earlier versions of sdd noted nothing."""
    summary = read_json(folder.summary)
    noted = summary.get("warnings", []) if isinstance(summary, dict) else []
    return [f"{folder.path.name}, {line}" for line in noted if isinstance(line, str)]
