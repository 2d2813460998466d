"""What callbacks are told at the start and end of each level."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import lightning.pytorch as pl
from torch import Tensor

from sdd.module import Classifier


@dataclass(frozen=True)
class Level:
    """One level of pruning.

    Attributes:
        level: Its number; 0 is dense.
        last_level: Number of the run's last level.
        sparsity: Fraction of prunable weights removed, in [0, 1].
        remaining: Prunable weights that survive.
        released: Whether removed weights were released again, so that all are trained; sparsity and remaining then
            are those of the network that the level started from.
        initial: Parameters and buffers at the very first initialisation, by name.
        start: Those that this level started training from, removed weights at their frozen values.
        masks: True where a weight is trained.
    """

    level: int
    last_level: int
    sparsity: float
    remaining: int
    released: bool
    initial: Mapping[str, Tensor]
    start: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]

    @property
    def last(self) -> bool:
        """Whether it is the run's last level."""
        return self.level == self.last_level


class LevelCallback(pl.Callback):
    """A callback that hears of levels from `IterativePruning`, in whatever order callbacks are listed.

    Attributes:
        decides_numbers: Whether the run's other numbers depend on it. What only watches or measures is no part of what
            a run is told by.
    """

    decides_numbers: ClassVar[bool] = False

    def on_level_start(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> None:
        """Hear that a level begins, its weights, masks and optimizer in place."""

    def on_level_epoch_end(self, trainer: pl.Trainer, pl_module: Classifier, level: Level, epoch: int) -> None:
        """Hear that epoch `epoch`, counted from 0 within the level, is done."""

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Return measures of the trained level by name; called on every process, before `on_level_end`."""
        return {}

    def on_level_end(
        self, trainer: pl.Trainer, pl_module: Classifier, level: Level, measures: Mapping[str, float]
    ) -> None:
        """Hear all measures of a level that has just been trained."""


# Lightning calls every hook of every callback at every step, at some 3 µs each, which small networks feel. It skips
# hooks that cannot be called, and callbacks of levels have nothing to do at a step unless they say so.
for _hook in (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
):
    setattr(LevelCallback, _hook, None)
