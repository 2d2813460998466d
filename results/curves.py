"""The curves of `curves.yaml`, and the runs that they are made of."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sdd.console import Progress
from sdd.errors import UserError
from sdd.sweep.planned_run import Invalid, PlannedRun, Repeated, plan_runs
from sdd.sweep.stored_plans import Planner, parsed
from sdd.sweep.sweep_file import Cell

FILE = Path(__file__).with_name("curves.yaml")
KEPT = 0.8
"""Fraction of the weights that survive a level of digits, of which one-shot runs leave powers."""


@dataclass(frozen=True)
class Curve:
    """One curve of a task.

    Attributes:
        task: The data, network and recipe.
        name: Of the curve.
        config: A configuration that comes with sdd.
        settings: What differs from it, by dotted name.
        seeds: Runs of it, their training seeds from 0 on.
        minutes: Of one of its runs.
        needs: Environment variables that its runs need, and their values.
        apart: Its runs are those of another curve but for what is measured or what they need, and have a folder of
            their own.
        one_shot: Levels at whose sparsity a run each is pruned at once; empty: one run goes through all levels.
    """

    task: str
    name: str
    config: str
    settings: Mapping[str, Any]
    seeds: int
    minutes: float
    one_shot: tuple[int, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    apart: bool = False

    @property
    def names(self) -> dict[str, list[str]]:
        """The command lines of its runs, after `fit`, by the names that the runs have where they are kept."""
        return {
            run: ["--config", self.config, *(f"--{name}={_text(value)}" for name, value in given.items())]
            for run, given in self.settings_of.items()
        }

    @property
    def settings_of(self) -> dict[str, dict[str, Any]]:
        """What differs from the configuration in each of its runs, by their names."""
        parts = {f"-{level}": _at_once(level) for level in self.one_shot} or {"": {}}
        return {
            f"{self.name}{suffix}-s{seed}": {**self.settings, "seed_everything": seed, **part}
            for seed in range(self.seeds)
            for suffix, part in parts.items()
        }


@dataclass(frozen=True)
class Task:
    """Data, network and recipe. Attributes: name: Of it. about: In words. curves: By name."""

    name: str
    about: str
    curves: Mapping[str, Curve]


@dataclass(frozen=True)
class KeptRun:
    """A run of a curve. Attributes: curve: Whose. name: Where it is kept. planned: Its command and folder."""

    curve: Curve
    name: str
    planned: PlannedRun


def read_tasks(file: Path = FILE) -> dict[str, Task]:
    """Return the tasks by name."""
    tasks = {}
    for name, task in yaml.safe_load(file.read_text()).items():
        curves = {}
        for curve, own in task["curves"].items():
            seeds, minutes = own.pop("seeds", task["seeds"]), own.pop("minutes", task["minutes"])
            at_once, needs, apart = tuple(own.pop("one_shot", ())), own.pop("needs", {}), own.pop("apart", False)
            settings = {**task.get("settings", {}), **own}
            curves[curve] = Curve(name, curve, task["config"], settings, seeds, minutes, at_once, needs, apart)
        tasks[name] = Task(name, task["about"], curves)
    return tasks


def plan_curves(curves: Sequence[Curve], base: Path, plan: Planner = parsed) -> list[KeptRun]:
    """Return the runs of some curves, those that others are trained from first, and show how many are checked.

    Raises:
        UserError: A run cannot be made.
    """
    found: list[KeptRun] = []
    every = [(curve, name, arguments) for curve in curves for name, arguments in curve.names.items()]
    with closing(Progress(len(every), 0, "run", smoothing=0.0)) as bar:
        for curve, name, arguments in every:
            cell = Cell({"run": f"{curve.task}/{name}"}, ("fit", *arguments))
            (planned,) = plan_runs([cell], base / curve.name if curve.apart else base, plan)
            assert not isinstance(planned, Repeated)
            if isinstance(planned, Invalid):
                raise UserError(f"{curve.task}/{name}: {planned.reason}")
            found.append(KeptRun(curve, name, planned))
            bar.move_to(len(found), f"{len(found)} of {len(every)} runs checked")
    return found


def _at_once(level: int) -> dict[str, Any]:
    return {"pruning.dense_from": "auto", "pruning.sparsities": [round(1 - KEPT**level, 6)]}


def _text(value: Any) -> str:
    """Return a setting as the command line takes it."""
    if isinstance(value, str):
        return value
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).partition("\n...")[0].strip()
