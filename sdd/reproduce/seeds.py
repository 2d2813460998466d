"""The seeds of one experiment, read from their folders: its curve, the levels that stand for its phases, its tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sdd.analysis.compare import complete_block, mean_phases, table
from sdd.analysis.one_shot import join_one_shot
from sdd.analysis.phases import Phases, marking_levels
from sdd.analysis.reading import Run, read_run, read_together
from sdd.errors import UserError
from sdd.sweep.planned_run import PlannedRun

Floats = NDArray[np.float64]
Rows = Sequence[Mapping[str, float]]

_PHASES = {"dense": "dense", "trough": "critical", "peak": "sweet", "last": "collapsed"}
"""The phase that a marking level stands for."""


@dataclass(frozen=True)
class ShownLevel:
    """A level that a figure shows. Attributes: level: Its number. sparsity: In [0, 1]. name: What it stands for."""

    level: int
    sparsity: float
    name: str

    @property
    def title(self) -> str:
        """Name and sparsity in words."""
        return f"{self.name}, sparsity {100 * self.sparsity:.4g} %" if self.level else self.name


@dataclass(frozen=True)
class Seeds:
    """Runs of one experiment, by seed.

    Attributes:
        runs: Those that have a level, one a seed.
        lacks: What other ones are, in words.
    """

    runs: tuple[Run, ...]
    lacks: tuple[str, ...]

    @cached_property
    def block(self) -> tuple[list[Run], list[int]]:
        """The runs and levels that are whole together."""
        return complete_block(self.runs)

    @property
    def levels(self) -> list[int]:
        """Levels that all runs of the block have."""
        return self.block[1]

    @cached_property
    def sparsities(self) -> Floats:
        """Of the levels, mean over seeds, [levels]."""
        return np.asarray(self.values("sparsity").mean(0))

    @cached_property
    def phases(self) -> Phases:
        """Phases of the mean curve."""
        return mean_phases(self.sparsities, self.values("test_acc"))

    def values(self, name: str) -> Floats:
        """Return a measure of each run of the block, [seeds, levels]; NaN where a run lacks it."""
        return table(*self.block, name)

    def shown_levels(self, *, only_peak: bool = False) -> list[ShownLevel]:
        """Return the levels that stand for the phases: the dense one, trough, peak, and the last.

        A peak at the last level is not called collapsed. Where the mean curve has no trough and peak, four levels
        evenly spaced, so named.

        Args:
            only_peak: The peak alone; without one the level two thirds along.
        """
        last = len(self.levels) - 1
        marks = marking_levels(self.phases.trough, self.phases.peak, last + 1)
        if "peak" in marks:
            named = {index: _PHASES[name] for name, index in reversed(marks.items())}
            peak = marks["peak"]
        else:
            peak = round(2 * last / 3)
            named = {index: f"level {self.levels[index]}" for index in (round(last / 3), peak, last)} | {0: "dense"}
        chosen = [peak] if only_peak else sorted(named)
        return [ShownLevel(self.levels[index], float(self.sparsities[index]), named[index]) for index in chosen]


def read_seeds(planned: Iterable[PlannedRun]) -> Seeds:
    """Read the runs of an experiment; one-shot runs are joined to a curve a seed.

    Args:
        planned: Its runs.
    """
    runs, lacks = [], []
    for one in planned:
        try:
            run = read_run(one.path)
        except UserError as error:
            lacks.append(str(error))
            continue
        runs.append(run)
        if run.problem is not None:
            lacks.append(f"levels of {run.name}, which is {run.problem}")
    return Seeds(tuple(join_one_shot(read_together(runs))), tuple(lacks))


def over_seeds(tables: Sequence[Rows], level: int, at: str, name: str) -> tuple[Floats, Floats]:
    """Return one column of a level in the tables of several seeds, at the places that all of them have.

    Args:
        tables: One a seed.
        level: Whose rows.
        at: Column of the places, such as `epoch`.
        name: Column of the values.

    Returns:
        Places [points], rising, and values [seeds, points].
    """
    found = [{row[at]: row[name] for row in rows if row["level"] == level} for rows in tables]
    places = sorted(set.intersection(*(set(one) for one in found))) if found else []
    return np.array(places), np.array([[one[place] for place in places] for one in found])
