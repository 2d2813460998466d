"""The runs that some figures need, as cells of a sweep: figures share those that they have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sdd.errors import UserError
from sdd.messages import did_you_mean, yaml_error
from sdd.reproduce.experiments import REDENSE, TASKS, TICKETS, Experiment, decided_by
from sdd.reproduce.figures import FIGURES, Figure
from sdd.reproduce.scales import Scale, TaskScale
from sdd.shipped import CONFIGS, find
from sdd.sweep.planned_run import Invalid, PlannedRun, Repeated, plan_runs
from sdd.sweep.stored_plans import Planner, parsed
from sdd.sweep.sweep_file import Cell

_EPOCHS = {"dynamics.levels": "all"}
_LOSS_CURVES = {"flatness.loss_curves": True, "flatness.space": "full"}


@dataclass(frozen=True)
class Override:
    """A setting of the user's own. Attributes: task: Where it holds; None: everywhere. name, value: As in YAML."""

    task: str | None
    name: str
    value: Any

    @classmethod
    def of_text(cls, text: str) -> "Override":
        """Return what `[TASK:]NAME=VALUE` says.

        Raises:
            UserError: It has no name or value, the value is no YAML, there is no such task, or figures decide it.
        """
        left, equals, value = text.partition("=")
        task, colon, name = left.rpartition(":")
        if not equals or not name:
            raise UserError(f"--set is {text!r}; it must be [TASK:]NAME=VALUE, such as data.root=DIR")
        if colon and task not in TASKS:
            raise UserError(
                f"--set {text}: there is no task {task}; there are: {', '.join(TASKS)}{did_you_mean(task, TASKS)}"
            )
        if decided := decided_by(name):
            raise UserError(
                f"--set {text}: {decided} is what the figures or the scale decide; seeds, noise_types and one_shot are "
                "keys of a scale file, and sdd sweep trains other curves"
            )
        try:
            return cls(task or None, name, yaml.safe_load(value))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise UserError(f"--set {text}: the value is no YAML: {yaml_error(str(error))}") from error


@dataclass(frozen=True)
class PlannedRuns:
    """Runs of some figures.

    Attributes:
        runs: Each once, those that others are trained from first.
        invalid: Cells that no run can be made of.
        by_experiment: The runs of each experiment, by seed and, of one-shot runs, sparsity.
    """

    runs: tuple[PlannedRun, ...]
    invalid: tuple[Invalid, ...]
    by_experiment: Mapping[Experiment, tuple[PlannedRun, ...]]

    def of(self, figure: Figure) -> list[PlannedRun]:
        """Return the runs of a figure, each once."""
        found = [run for experiment in figure.experiments for run in self.by_experiment.get(experiment, ())]
        return list({run.path: run for run in found}.values())


def plan_figures(
    figures: Iterable[Figure],
    scale: Scale,
    base: Path,
    overrides: Sequence[Override] = (),
    each: Callable[[int, int], None] = lambda done, total: None,
    plan: Planner = parsed,
) -> PlannedRuns:
    """Find the runs of some figures, and check their settings.

    A run measures what any of the 49 figures wants of it, whichever are asked for, since some of it can only be
    measured while it is trained.

    Args:
        figures: Those wanted.
        scale: How large the experiments are.
        base: Folder for the runs.
        overrides: Settings of the user's own; later ones win.
        each: Called after each cell with how many are done, and how many there are.
        plan: Reads a command line.

    Raises:
        UserError: A configuration file is missing, or a setting is for a task of which the figures have no run.
    """
    wanted = dict.fromkeys(experiment for figure in figures for experiment in figure.experiments)
    for over in overrides:
        if over.task is not None and all(experiment.task != over.task for experiment in wanted):
            raise UserError(f"--set {over.task}:{over.name}: these figures have no run of {over.task}")
    ordered = sorted(wanted, key=lambda experiment: experiment.source is not None)
    runs: dict[Path, PlannedRun] = {}
    invalid: list[Invalid] = []
    by_experiment: dict[Experiment, tuple[PlannedRun, ...]] = {}
    cells = {experiment: cells_of(experiment, scale, overrides) for experiment in ordered}
    done, total = 0, sum(map(len, cells.values()))
    for experiment, of_experiment in cells.items():
        own: list[PlannedRun] = []
        for planned in _plan_apart(of_experiment, base, plan):
            done += 1
            each(done, total)
            if isinstance(planned, Invalid):
                invalid.append(planned)
            else:
                own.append(runs.setdefault(planned.path, planned))
        by_experiment[experiment] = tuple(own)
    return PlannedRuns(tuple(runs.values()), tuple(invalid), by_experiment)


def _plan_apart(cells: Iterable[Cell], base: Path, plan: Planner) -> Iterable[PlannedRun | Invalid]:
    """Plan each cell by itself, so that one that repeats another has its run too."""
    for cell in cells:
        for planned in plan_runs([cell], base, plan):
            assert not isinstance(planned, Repeated)
            yield planned


def cells_of(experiment: Experiment, scale: Scale, overrides: Sequence[Override] = ()) -> list[Cell]:
    """Return the cells of an experiment, by seed and, of a one-shot task, sparsity.

    Args:
        experiment: The curve.
        scale: How large it is.
        overrides: Settings of the user's own.

    Raises:
        UserError: The configuration file is missing.
    """
    task = scale.tasks[experiment.task]
    named = {"task": experiment.task} | _settings_of(experiment, task)
    given = {over.name: over.value for over in overrides if over.task in (None, experiment.task)}
    parts: list[dict[str, Any]] = [{}]
    if task.one_shot is not None:
        parts = [{"pruning.dense_from": "auto", "pruning.sparsities": [sparsity]} for sparsity in task.one_shot]
    cells = []
    for seed in task.seeds:
        for part in parts:
            values = {**named, **part, "seed_everything": seed}
            settings = {**task.settings, **values, **measures_of(experiment), **given}
            del settings["task"]
            arguments = [f"--{name}={_text(value)}" for name, value in settings.items()]
            shown = {name: value for name, value in values.items() if name != "pruning.dense_from"}
            cells.append(Cell(shown, ("fit", "--config", str(find(CONFIGS, task.config)), *arguments)))
    return cells


def measures_of(experiment: Experiment) -> dict[str, Any]:
    """Return the settings by which a run measures what the figures want of it, beside its curve."""
    measures: dict[str, Any] = {}
    for figure in FIGURES.values():
        if experiment in figure.experiments and figure.kind in ("epochs", "best"):
            measures |= _EPOCHS
        if figure.kind == "loss_curves" and any(plot.experiment == experiment for plot in figure.plots):
            measures |= _LOSS_CURVES
    return measures


def _settings_of(experiment: Experiment, task: TaskScale) -> dict[str, Any]:
    """Return the settings in which an experiment differs from others of its task."""
    retrain = {TICKETS: "scratch"}.get(experiment.retrain, experiment.retrain)
    settings: dict[str, Any] = {
        "data.noise_type": task.noise_types.get(experiment.noise_type, experiment.noise_type),
        "data.noise_rate": experiment.noise_rate,
        "pruning.criterion": experiment.criterion,
        "pruning.retrain": retrain,
    }
    if experiment.source is not None:
        settings["pruning.masks_from"] = "auto"
    if experiment.retrain == REDENSE and experiment.redense_lr is not None:
        settings["pruning.redense_lr"] = experiment.redense_lr
    return settings


def _text(value: Any) -> str:
    """Return a setting as the command line takes it."""
    if isinstance(value, str):
        return value
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).partition("\n...")[0].strip()
