"""The teacher that a run learns from: a level of a finished run, its network built from that run's configuration."""

from dataclasses import dataclass

from jsonargparse import Namespace
from torch import nn

from sdd.analysis.curve import read_curve
from sdd.analysis.phases import phases_of
from sdd.cli.level_network import level_network
from sdd.cli.preflight import check_teacher
from sdd.console import is_first_process, say
from sdd.data import NoisyLabelData
from sdd.distillation import PEAK
from sdd.errors import UserError
from sdd.module import Classifier
from sdd.places import place_of
from sdd.runs.prerequisites import AUTO
from sdd.runs.settings import DISTILL_FROM
from sdd.runs.trained_levels import TrainedLevels


@dataclass(frozen=True)
class Teacher:
    """A level that teaches. Attributes: run: Whose it is. level: Its number."""

    run: TrainedLevels
    level: int

    def network(self) -> nn.Module:
        """Build its network on the CPU, in evaluation mode; no random state changes.

        Raises:
            UserError: The network can no longer be built, or the level's weights do not fit it.
        """
        return level_network(self.run, self.level, f"{DISTILL_FROM} {self.run.folder.path}")


def teach(model: Classifier, data: NoisyLabelData, settings: Namespace, seed: int) -> Teacher | None:
    """Give a module its teacher, if it is to have one; returns it.

    Args:
        model: The module.
        data: What it is trained on.
        settings: Section `model` of the configuration.
        seed: Training seed.

    Raises:
        UserError: The teacher is not there, can no longer be built, or does not fit the data.
    """
    if not settings.distill_weight:
        if settings.distill_from is not None and is_first_process():
            say(f"model.distill_weight is 0: the run that {DISTILL_FROM} names teaches nothing", error=True)
        return None
    auto = settings.distill_from == AUTO  # all is only tried, and that run need not be there yet
    teacher = None if auto else teacher_of(settings, seed)
    network = model.fresh_network(level=0) if teacher is None else teacher.network()
    check_teacher(network, data)
    model.teach(network)
    return teacher


def teacher_of(model: Namespace, seed: int) -> Teacher:
    """Return the teacher that the settings `model.distill_*` name, once it is known to be there.

    Args:
        model: That section of the configuration; `distill_from` is a folder.
        seed: Training seed.

    Raises:
        UserError: It is no finished run, or has no such level.
    """
    run = TrainedLevels(str(place_of(model.distill_from, DISTILL_FROM, seed)), DISTILL_FROM)
    level = _peak(run) if model.distill_level == PEAK else int(model.distill_level)
    last = run.folder.levels_done() - 1
    if level > last:
        raise UserError(f"model.distill_level is {level}, but {DISTILL_FROM} {run.folder.path} has levels 0 to {last}")
    run.check_level(level, f"but level {level} is to teach: name another --model.distill_level")
    return Teacher(run, level)


def _peak(run: TrainedLevels) -> int:
    rows = read_curve(run.folder.curve)
    phases = phases_of(rows)
    if phases.peak is None:
        raise UserError(
            f"model.distill_level is {PEAK}, but {DISTILL_FROM} {run.folder.path} has none: {phases.reason}; set the "
            "number of a level"
        )
    return int(rows[phases.peak]["level"])
