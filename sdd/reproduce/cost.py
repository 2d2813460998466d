"""What runs cost: epochs and time from their settings, disk space from the size of their networks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import torch

from sdd.reproduce.experiments import Experiment
from sdd.reproduce.runs import PlannedRuns
from sdd.reproduce.scales import Scale
from sdd.runs.settings import SEED, SPARSITIES
from sdd.sweep.planned_run import PlannedRun

_NET = "model.net."
_VALUE_BYTES = 4  # of a parameter that survives
_MASK_BYTES = 1 / 8  # of each
_CHECKPOINT_BYTES = 8  # of a parameter, in the last checkpoint: its values at first and to rewind to


@dataclass(frozen=True)
class Cost:
    """What is left to do, about.

    Attributes:
        runs: That are not finished.
        epochs: To train.
        seconds: On one of the machines that the scale names.
        disk: Bytes that all levels and checkpoints of these runs take.
    """

    runs: int = 0
    epochs: int = 0
    seconds: float = 0.0
    disk: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.runs + other.runs,
            self.epochs + other.epochs,
            self.seconds + other.seconds,
            self.disk + other.disk,
        )


def cost_of(planned: PlannedRuns, scale: Scale, experiments: Iterable[Experiment]) -> Cost:
    """Return what the unfinished runs of some experiments cost; a dense network that several share counts once.

    Args:
        planned: All runs.
        scale: Says how long an epoch takes.
        experiments: Those wanted.
    """
    total, seen, dense = Cost(), set(), set()
    for experiment in experiments:
        seconds = scale.tasks[experiment.task].seconds_per_epoch
        for run in planned.by_experiment.get(experiment, ()):
            if run.path in seen or run.state() == "finished":
                continue
            seen.add(run.path)
            values = run.settings.values
            per_level, levels = int(values["pruning.epochs_per_level"]), run.levels - run.levels_done()
            if values.get(SPARSITIES) is not None and run.levels == 2:  # the dense level is another run's
                levels = 1
                shared = (experiment, values[SEED])
                levels += shared not in dense
                dense.add(shared)
            epochs = per_level * levels
            total += Cost(1, epochs, epochs * seconds, disk_of(run))
    return total


def disk_of(run: PlannedRun) -> int:
    """Return about how many bytes a run's levels and its last checkpoint take."""
    net = {key.removeprefix(_NET): value for key, value in run.settings.values.items() if key.startswith(_NET)}
    arguments = {key.removeprefix("init_args."): value for key, value in net.items() if key.startswith("init_args.")}
    parameters = _parameters(str(net.get("class_path", "")), _hashable(arguments))
    listed, fraction = run.settings.values.get(SPARSITIES), float(run.settings.values["pruning.fraction"])
    pruned = [(1 - fraction) ** level for level in range(1, run.levels)] if listed is None else [1 - s for s in listed]
    levels = sum(_VALUE_BYTES * remaining + _MASK_BYTES for remaining in (1.0, *pruned))
    return round(parameters * (levels + _CHECKPOINT_BYTES))


def _hashable(arguments: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(arguments.items())
    )


@cache
def _parameters(class_path: str, arguments: tuple[tuple[str, Any], ...]) -> int:
    """Return how many parameters a network has, without memory for them."""
    module, _, name = class_path.rpartition(".")
    with torch.device("meta"):
        net: torch.nn.Module = getattr(import_module(module), name)(**dict(arguments))
    return sum(parameter.numel() for parameter in net.parameters())
