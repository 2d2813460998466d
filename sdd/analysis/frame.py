"""Many runs as one tidy table."""

import json
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from sdd.analysis.columns import merged
from sdd.analysis.comparable import comparable
from sdd.analysis.curve import FIRST_COLUMNS, further_columns, read_curve
from sdd.analysis.grouping import Group, group_runs
from sdd.analysis.one_shot import join_one_shot, part_levels
from sdd.analysis.reading import Run, read_runs, why_none
from sdd.errors import UserError
from sdd.runs.folder import RunFolder
from sdd.runs.settings import SEED

# What is known of a row besides measures and settings.
_ABOUT = ("run", "path", "finished", "problem", "group", SEED, "phase")

_LARGEST = 2**63 - 1


def load_runs(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], *, join: bool = True) -> pd.DataFrame:
    """Read runs into one tidy table, a row a run and level: the way to make one's own figures.

    Mean test accuracy over seeds for each noise rate, against what remains, dense at the left::

        from sdd.analysis import load_runs

        runs = load_runs("runs/digits_noise_rates")
        mean = runs.groupby(["data.noise_rate", "remaining_fraction"])["test_acc"].mean().unstack("data.noise_rate")
        mean.plot(logx=True, xlim=(1, mean.index.min()), xlabel="remaining weights", ylabel="test accuracy")

    Columns:

    - `run`: name of the run's folder, or its path where two have one name; `path`: the folder that the row is from.
    - `finished`, and `problem`: what the run lacks, in words, missing for a whole run.
    - `group`: label of the runs that differ only in their seed, as in `analyze`; it depends on which runs are read
      together.
    - `seed_everything`; `phase` of the level in its own run's curve: light, critical, sweet or collapsed, missing
      where that curve shows no double descent.
    - every column of `curve.csv` under its own name, bit for bit; a cell that is empty there is missing.
    - every setting under its dotted name, such as `data.noise_rate`, in every row, also one that is the same in all
      runs; an option that a run's version did not have is at its default. Lists and dictionaries are JSON text, so that
      `groupby` takes them. Settings that are null are missing: `groupby(..., dropna=False)` keeps their rows.

    What is known of a column of `curve.csv` is in `runs.attrs["columns"]`, by name: `label`, `unit`, `colour`, and more
    as `sdd.measures.columns.Column` has it. A column that runs of a group measured with different settings, such as
    sharpness with two radii, has a warning that names them; its values stay.

    Of several runs of the same settings and seed the one with the most levels is used, as in `analyze`; a warning
    names the others.

    Args:
        paths: A folder of a run or one that holds runs, at most three deep, or several of them.
        join: Join runs that each prune one dense network to one sparsity to one run of all its sparsities, so that
            the dense level is there once a seed; False: each folder's rows as they are.

    Raises:
        UserError: There is no run that can be used, or a measure has the name of another column. A folder that
            cannot be used while others can is a UserWarning that names it.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    loaded = read_runs(given)
    if not loaded.runs:
        raise UserError(f"there is no run to read{why_none(loaded.problems)}")
    for problem in loaded.problems:
        warnings.warn(problem, UserWarning, stacklevel=2)
    groups = group_runs(join_one_shot(loaded.runs) if join else loaded.runs)
    for run in (run for group in groups for run in group.repeated):
        warnings.warn(
            f"{run.name} is left out: it repeats the settings and the seed of another run", UserWarning, stacklevel=2
        )
    for difference in (difference for group in groups for difference in comparable(group.runs)[1]):
        warnings.warn(difference, UserWarning, stacklevel=2)
    return _frame(groups)


def load_curve(run: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the curve of a run: the rows of its `curve.csv`, one a level, bit for bit.

    Args:
        run: The run's folder.

    Raises:
        UserError: There is none, or it is damaged.
    """
    return pd.DataFrame(read_curve(RunFolder(run).curve))


def _frame(groups: Sequence[Group]) -> pd.DataFrame:
    """Return the table, in the order of the groups, their seeds, and levels."""
    runs = [run for group in groups for run in group.runs]
    rows = [row for run in runs for row in run.rows]
    measures = [*FIRST_COLUMNS, *further_columns(rows)]
    settings = [key for key in dict.fromkeys(key for run in runs for key in run.settings) if key != SEED]
    names = [*_ABOUT, *measures, *settings]
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise UserError(
            f"the measure {repeated[0]} has the name of another column of the table, of which there are "
            f"{', '.join(_ABOUT)} and all settings; rename it"
        )
    times = Counter(run.name for run in runs)
    lines: list[Mapping[str, Any]] = []
    for group in groups:
        for run in group.runs:
            about = {
                "run": run.name if times[run.name] == 1 else str(run.path),
                "finished": run.finished,
                "problem": run.problem,
                "group": group.label,
                SEED: run.seed,
            } | {key: _plain(value) for key, value in run.settings.items() if key != SEED}
            lines += [about | place | row for place, row in zip(_places(run), run.rows, strict=True)]
    frame = pd.DataFrame({name: _column([line.get(name) for line in lines]) for name in names})
    columns = merged(run.columns for run in runs)
    frame.attrs["columns"] = {name: column.as_dict() for name, column in columns.items()}
    return frame


def _places(run: Run) -> list[dict[str, str | None]]:
    """Return folder and phase of each row of a run."""
    folders = {level: str(part.path) for part, levels in part_levels(run) for level in levels.values()}
    phases = zip(run.rows, run.phases.names, strict=True)
    return [{"path": folders[int(row["level"])], "phase": phase} for row, phase in phases]


def _plain(value: Any) -> Any:
    """Return a setting as a cell can hold it."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def _column(values: Sequence[Any]) -> "pd.Series[Any]":
    """Return a column of the narrowest type that holds all values and what is missing exactly."""
    kinds = {type(value) for value in values if value is not None}
    whole = None not in values
    if kinds == {bool}:
        return pd.Series(values, dtype="bool" if whole else "boolean")
    if kinds == {int} and all(abs(value) <= _LARGEST for value in values if value is not None):
        return pd.Series(values, dtype="int64" if whole else "Int64")
    if kinds == {float} or kinds == {int, float}:
        return pd.Series(values, dtype="float64")
    return pd.Series(values, dtype="object" if kinds != {str} else None)
