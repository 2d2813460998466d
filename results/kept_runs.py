"""Kept runs, read back as those that `curves.yaml` asks for: all of them, and no others."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from results.curves import Curve, Task
from sdd.analysis.grouping import Group, group_runs
from sdd.analysis.one_shot import join_one_shot
from sdd.analysis.reading import Run, read_run
from sdd.errors import UserError
from sdd.runs.folder import RunFolder


def curve_of(tasks: Mapping[str, Task], task: str, name: str) -> Curve:
    """Return a curve as `curves.yaml` has it.

    Raises:
        UserError: There is none.
    """
    curves = tasks[task].curves
    if name not in curves:
        raise UserError(f"results/curves.yaml has no {task}/{name}")
    return curves[name]


def kept_paths(folder: Path, curve: Curve) -> list[Path]:
    """Return the folders that are kept of a curve, those too that it does not ask for."""
    return sorted((folder / curve.task).glob(f"{curve.name}-*s[0-9]*"))


def read_kept(folder: Path, curve: Curve) -> list[Run]:
    """Return the runs of a curve; none where none is kept.

    Raises:
        UserError: Some are missing or too many; one is damaged, unfinished, of another seed, other settings or other
            levels.
    """
    paths = {path.name: path for path in kept_paths(folder, curve)}
    if not paths:
        return []
    asked = curve.settings_of
    if missing := sorted(asked.keys() - paths.keys()):
        raise UserError(f"{folder / curve.task} has no {missing[0]}, which results/curves.yaml asks for: keep it")
    if further := sorted(paths.keys() - asked.keys()):
        raise UserError(f"{paths[further[0]]} is no run that results/curves.yaml asks for: remove it")
    runs = []
    for name, settings in asked.items():
        run = read_run(paths[name])
        if not run.finished:
            raise UserError(f"{paths[name]}: {run.problem}")
        _check_settings(run, settings)
        runs.append(run)
    for run in runs:
        if len(run.rows) != len(runs[0].rows):
            raise UserError(f"{run.path} has {len(run.rows)} levels, {runs[0].path} {len(runs[0].rows)}")
    return runs


def group_of(runs: list[Run]) -> Group:
    """Return the runs of a curve as one group, one-shot runs joined.

    Raises:
        UserError: They differ in more than their seeds.
    """
    groups = group_runs(join_one_shot(runs))
    if len(groups) > 1:
        one, other = groups[0].label, groups[1].label
        raise UserError(f"runs beside {runs[0].path} differ in more than the seed: {one} and {other}")
    return groups[0]


def _check_settings(run: Run, settings: Mapping[str, Any]) -> None:
    """Refuse a run with a setting, or a measure, of another value than asked for; of others it holds nothing."""
    stored = RunFolder(run.path).settings()
    assert stored is not None
    held_values = {**stored.values, **stored.measures}
    for name, value in settings.items():
        section, _, last = name.rpartition(".")
        held = next((key for key in (name, f"{section}.init_args.{last}") if key in held_values), None)
        if held is not None and held_values[held] != value:
            trained = held_values[held]
            raise UserError(f"{run.path} was trained with {held} {trained!r}; results/curves.yaml says {value!r}")
