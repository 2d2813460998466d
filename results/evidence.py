"""The kept runs read back, and the numbers that RESULTS.md says of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.curves import Task, read_tasks
from results.kept_runs import curve_of, group_of, kept_paths, read_kept
from sdd.analysis.compare import analyse_group, mean_phases, table
from sdd.analysis.correlation import t_interval
from sdd.analysis.dense_widths import join_along
from sdd.analysis.grouping import Group, group_runs
from sdd.analysis.phases import Phases
from sdd.analysis.reading import Run, read_together
from sdd.analysis.statistics import Interval, SeedPhases, bootstrap_phases
from sdd.analysis.tickets import pair_groups
from sdd.errors import UserError
from sdd.files import read_json

Floats = NDArray[np.float64]

FOLDER = Path(__file__).parents[1] / "docs" / "results" / "runs"


class Evidence:
    """The runs that are kept, by task and curve.

    Args:
        folder: Where they are kept.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self.tasks: dict[str, Task] = read_tasks()
        self.curve = cache(self._curve)
        self._read = cache(self._read_once)

    def has(self, task: str, curve: str) -> bool:
        """Whether any run of a curve is kept."""
        return bool(kept_paths(self.folder, curve_of(self.tasks, task, curve)))

    def tickets(self, second: str, *, task: str = "digits", first: str = "base") -> dict[str, Any]:
        """Return the comparison of two curves under the same masks, second minus first, pair by pair."""
        return pair_groups(self.curve(task, first).group, self.curve(task, second).group)

    def widths(self) -> "CurveEvidence":
        """Return the dense networks of all widths as one curve over their numbers of weights."""
        names = [name for name in self.tasks["digits"].curves if name.startswith("width_")]
        runs = [run for name in names for run in self._read("digits", name)]
        groups = join_along(group_runs(read_together(runs)), "model.net.init_args.widths")
        if len(groups) != 1:
            raise UserError(f"the runs of digits/width_… in {self.folder} differ in more than width and seed")
        return CurveEvidence("digits", "widths", groups[0])

    def names(self, task: str) -> list[str]:
        """Return the curves of a task of which runs are kept."""
        return sorted(name for name in self.tasks[task].curves if self.has(task, name))

    def runs(self, task: str) -> list[Run]:
        """Return all kept runs of a task."""
        return [run for name in self.names(task) for run in self._read(task, name)]

    def _curve(self, task: str, curve: str) -> "CurveEvidence":
        runs = self._read(task, curve)
        if not runs:
            raise UserError(f"no run of {task}/{curve} is kept in {self.folder}")
        return CurveEvidence(task, curve, group_of(runs))

    def _read_once(self, task: str, curve: str) -> list[Run]:
        return read_kept(self.folder, curve_of(self.tasks, task, curve))


@dataclass(frozen=True, eq=False)
class CurveEvidence:
    """One curve over its seeds. Attributes: task, name: Which. group: Its runs."""

    task: str
    name: str
    group: Group

    @cached_property
    def analysis(self) -> dict[str, Any]:
        """What `analyze` says of it."""
        return analyse_group(self.group)

    @property
    def seeds(self) -> int:
        """How many runs there are."""
        return len(self.group.runs)

    @property
    def levels(self) -> list[int]:
        """Numbers of its levels."""
        return [int(level["level"]) for level in self.analysis["levels"]]

    def values(self, name: str) -> Floats:
        """Return a measure, [seeds, levels]."""
        return table(self.group.runs, self.levels, name)

    def mean(self, name: str) -> Floats:
        """Return a measure's mean over seeds, [levels]."""
        found: Floats = self.values(name).mean(axis=0)
        return found

    @property
    def remaining(self) -> Floats:
        """Fraction of weights that remain, [levels]."""
        return self.mean("remaining_fraction")

    def is_set(self, settings: Mapping[str, Any]) -> bool:
        """Whether settings, by dotted name, have these values in every run."""
        return all(run.settings.get(name) == value for run in self.group.runs for name, value in settings.items())

    def counts(self, part: str) -> tuple[int, int]:
        """Return examples and wrong labels of `train` or `test`, the same in every run.

        Raises:
            UserError: They are not.
        """
        every = [leaf for run in self.group.runs for leaf in run.parts or (run,)]
        found = {
            (int(held["examples"]), int(held["wrong"]))
            for held in (read_json(run.path / "data.json")["parts"][part] for run in every)
        }
        if len(found) != 1:
            raise UserError(f"the runs of {self.task}/{self.name} are kept with different data")
        return found.pop()

    def interval(self, which: str) -> Interval:
        """Return `depth`, `gain` or `recovery` with its 95 % interval, cross-fitted over the seeds."""
        found = self.analysis["intervals"][which]
        return Interval(*(math.nan if found[end] is None else float(found[end]) for end in ("estimate", "low", "high")))

    @cached_property
    def mean_phases(self) -> Phases:
        """Phases of the mean curve over its seeds; of the one curve where there is one."""
        return mean_phases(self.mean("sparsity"), self.values("test_acc"))

    @property
    def verdict(self) -> bool | None:
        """Whether there is a double descent; None: not decided."""
        found: bool | None = self.analysis["intervals" if self.seeds > 2 else "phases"]["double_descent"]
        return found


def over_seeds(values: Sequence[float] | Floats) -> Interval:
    """Return mean and 95 % interval of one number a seed, by Student's t."""
    return t_interval(np.asarray(values, float), 0.95)


def rows_of_seeds(curve: CurveEvidence, seeds: Sequence[int | None]) -> list[int]:
    """Return where the runs of some seeds stand among those of a curve.

    Raises:
        UserError: One is not kept.
    """
    places = {run.seed: index for index, run in enumerate(curve.group.runs)}
    for seed in seeds:
        if seed not in places:
            raise UserError(f"{curve.task}/{curve.name} is kept of no seed {seed}, which it is compared at")
    return [places[seed] for seed in seeds]


def same_seeds(first: CurveEvidence, second: CurveEvidence) -> None:
    """Refuse to pair curves by seed that are not of the same seeds.

    Raises:
        UserError: They are not.
    """
    if [run.seed for run in first.group.runs] != [run.seed for run in second.group.runs]:
        raise UserError(f"{first.task}/{first.name} and {second.task}/{second.name} are kept of different seeds")


def ends_of(found: Mapping[str, Any], mean: str = "estimate") -> Interval:
    """Return an interval that a dictionary holds, NaN where it has none."""
    return Interval(*(float("nan") if found[end] is None else float(found[end]) for end in (mean, "low", "high")))


def turned(held: Interval) -> Interval:
    """Return the interval of the other sign."""
    return Interval(-held.estimate, -held.high, -held.low)


def widths_phases(evidence: Evidence) -> SeedPhases:
    """Return depth, gain and verdict of dense networks over their widths, the widest first."""
    widths = evidence.widths()
    left = widths.mean("remaining")
    return bootstrap_phases(widths.values("test_acc"), 1 - left / left[0])
