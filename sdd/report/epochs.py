"""What was measured within a run's levels, epoch by epoch, small enough for a page that holds hundreds of runs."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from sdd.analysis.curve import renamed
from sdd.analysis.loss_curves import nearest_levels
from sdd.analysis.one_shot import part_levels
from sdd.analysis.phases import marking_levels
from sdd.analysis.reading import Run
from sdd.errors import UserError
from sdd.files import read_table
from sdd.runs.folder import RunFolder

NUMBERS = 100_000
"""How many numbers of epochs a page holds, of all runs together; what is beyond is left out of runs evenly."""

DIGITS = 4
"""Significant digits of them; `epochs.csv` and `distance_path.csv` have them all."""

_FIRST = ("test_acc", "train_acc", "memorized", "distance")  # what a page with little room shows
_FEWEST_EPOCHS = 8

_Rows = dict[tuple[int, int], dict[str, float]]


def numbers_each(runs: Sequence[Run]) -> int:
    """Return how many numbers each run may have on the page, so that all together have at most `NUMBERS`."""
    with_some = sum(any(file.is_file() for part, _ in part_levels(run) for file in _files(part)) for run in runs)
    return NUMBERS // max(1, with_some)


def read_epochs(run: Run, numbers: int) -> tuple[dict[str, Any] | None, list[str]]:
    """Return what `epochs.csv` and `distance_path.csv` hold of each level.

    Where that is more than there is room for, there are the levels that mark the phases, and of these the first
    measures at epochs spread evenly, the first and the last among them.

    Args:
        run: A run, or a curve joined of several.
        numbers: How many it may have.

    Returns:
        `levels`, `epochs` [levels, epochs], `values` by name [levels, epochs], rounded to `DIGITS` significant digits,
        None where there is no number; `measured`, how many levels there are in the files, and `whole`, whether all of
        their numbers are here; None as a whole where the run has no such file. And what is wrong with the files.
    """
    table: _Rows = {}
    problems = []
    for part, levels in part_levels(run):
        for file in _files(part):
            try:
                status = file.stat()
            except OSError:
                continue  # measured only where asked for
            try:
                rows = _rows(file, status.st_mtime_ns, status.st_size)
            except UserError as error:
                problems.append(f"{error}; what it holds is left out")
                continue
            for (level, epoch), values in rows.items():
                if level in levels:
                    table.setdefault((levels[level], epoch), {}).update(values)
    if not table:
        return None, problems
    return _entry(table, _marks(run), numbers), problems


def _files(run: Run) -> tuple[Path, Path]:
    folder = RunFolder(run.path)
    return folder.epochs, folder.distance_path


@lru_cache(maxsize=2048)
def _rows(path: Path, _changed: int, _size: int) -> Mapping[tuple[int, int], Mapping[str, float]]:
    """Return a file's rows by level and epoch; a file that has not changed since is not read again."""
    found = {}
    for row in map(renamed, read_table(path)):
        if "level" not in row or "epoch" not in row:
            raise UserError(f"{path}, line 1: it has no columns level and epoch")
        key = int(row["level"]), int(row["epoch"])
        found[key] = {name: float(value) for name, value in row.items() if name not in ("level", "epoch", "sparsity")}
    return found


def _marks(run: Run) -> list[int]:
    """Return the levels that mark the phases: dense, trough, peak and last."""
    places = marking_levels(run.phases.trough, run.phases.peak, len(run.rows))
    return [int(run.rows[place]["level"]) for place in places.values()]


def _entry(table: _Rows, marks: Sequence[int], numbers: int) -> dict[str, Any]:
    epochs: dict[int, list[int]] = {}
    for level, epoch in sorted(table):
        epochs.setdefault(level, []).append(epoch)
    names = list(dict.fromkeys(name for values in table.values() for name in values))
    names.sort(key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    measured, whole = len(epochs), len(table) * len(names) <= numbers
    if not whole:
        names = names[: len(_FIRST)]
        epochs = {level: epochs[level] for level in nearest_levels(marks, list(epochs))}
        room = max(_FEWEST_EPOCHS, numbers // (len(epochs) * len(names)))
        epochs = {level: _spread(held, room) for level, held in epochs.items()}
    return {
        "levels": list(epochs),
        "epochs": list(epochs.values()),
        "values": {
            name: [[_rounded(table[level, epoch].get(name)) for epoch in held] for level, held in epochs.items()]
            for name in names
        },
        "measured": measured,
        "whole": whole,
    }


def _spread(epochs: Sequence[int], count: int) -> list[int]:
    """Return at most so many epochs, evenly spread, the first and the last among them."""
    if len(epochs) <= count:
        return list(epochs)
    return [epochs[round(index * (len(epochs) - 1) / (count - 1))] for index in range(count)]


def _rounded(value: float | None) -> float | None:
    return float(f"{value:.{DIGITS}g}") if value is not None and math.isfinite(value) else None
