"""What callbacks are told at the start and end of each level."""

from collections.abc import Mapping
from dataclasses import dataclass

import lightning.pytorch as pl
from torch import Tensor

from sdd.module import Classifier


@dataclass(frozen=True)
class Level:
    """One level of pruning.

    Attributes:
        level: Its number; 0 is dense.
        sparsity: Share of prunable weights removed, in [0, 1].
        remaining: Prunable weights that survive.
        initial: Parameters and buffers at the very first initialisation, by name.
        start: Those that this level started training from, removed weights at zero.
        masks: True where a weight survives.
    """

    level: int
    sparsity: float
    remaining: int
    initial: Mapping[str, Tensor]
    start: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]


class LevelCallback(pl.Callback):
    """A callback that hears of levels from `IterativePruning`, in whatever order callbacks are listed."""

    def on_level_start(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> None:
        """Hear that a level begins, its weights, masks and optimizer in place."""

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Return measures of the trained level by name; called on every process, before `on_level_end`."""
        return {}

    def on_level_end(
        self, trainer: pl.Trainer, pl_module: Classifier, level: Level, measures: Mapping[str, float]
    ) -> None:
        """Hear all measures of a level that has just been trained."""
