"""The teacher that a run learns from: a level of a finished run, its network built from that run's configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import yaml
from jsonargparse import Namespace
from torch import nn

from sdd.analysis.curve import read_curve
from sdd.analysis.phases import phases_of
from sdd.cli.network import builder
from sdd.distillation import PEAK
from sdd.errors import UserError
from sdd.failures import naming
from sdd.messages import one_line
from sdd.models.state import load_state
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
        place = f"{DISTILL_FROM} {self.run.folder.path}"
        with torch.random.fork_rng(devices=[]), naming(f"{place}: its network, as it was made,"):
            net = builder(self._configured())()
        try:
            load_state(net, self.run.weights(self.level))
        except RuntimeError as error:
            raise UserError(
                f"{place}: the weights of level {self.level} do not fit the network of its config.yaml: "
                f"{one_line(str(error))}"
            ) from error
        return net.eval()

    def _configured(self) -> Mapping[str, Any]:
        file = self.run.folder.config
        try:
            net: Mapping[str, Any] = yaml.safe_load(file.read_text())["model"]["net"]
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            raise UserError(f"{DISTILL_FROM}: {file}, which says what network teaches, cannot be read") from error
        return net


def teacher_of(model: Namespace, seed: int) -> Teacher:
    """Return the teacher that the settings `model.distill_*` name, once it is known to be there.

    Args:
        model: That section of the configuration; `distill_from` is a folder.
        seed: Training seed.

    Raises:
        UserError: It is no finished run, or has no such level.
    """
    run = TrainedLevels(model.distill_from.replace("{seed}", str(seed)), DISTILL_FROM)
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
