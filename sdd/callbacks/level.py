"""What callbacks are told at the start and end of each level, and what they may measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import lightning.pytorch as pl
from torch import Tensor

from sdd.callbacks.idle_hooks import IdleAtSteps
from sdd.callbacks.plain_lightning import check_driven
from sdd.errors import UserError
from sdd.measures.columns import Column
from sdd.module import Classifier


@dataclass(frozen=True)
class Level:
    """One level of pruning. Its tensors are copies, made as they are asked for.

    Attributes:
        level: Its number; 0 is dense.
        last_level: Number of the run's last level.
        sparsity: Fraction of prunable weights removed, in [0, 1].
        remaining: Prunable weights that survive.
        remaining_fraction: Fraction of prunable weights that survive, in [0, 1].
        released: Whether removed weights were released again, so that all are trained; sparsity and what remains
            are then those of the network that the level started from.
        initial: Parameters and buffers at the very first initialisation, each under its first name (tied weights have
            several).
        start: Those that this level started training from, removed weights at their frozen values.
        masks: True where a weight is trained.
    """

    level: int
    last_level: int
    sparsity: float
    remaining: int
    remaining_fraction: float
    released: bool
    initial: Mapping[str, Tensor]
    start: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]

    @property
    def last(self) -> bool:
        """Whether it is the run's last level."""
        return self.level == self.last_level


class LevelCallback(IdleAtSteps):
    """A callback that hears of levels from `IterativePruning`, in whatever order callbacks are listed.

    Any hook of Lightning's can be overridden too; those of an epoch's start see weights, masks, optimizer and learning
    rate of the level that is about to train, and those of an epoch's end come before `measure_level`.

    Attributes:
        decides_numbers: Whether it changes what is trained, so that a run with it is another run than one without.
        needs_gradients: Whether `measure_level` wants gradients to be recorded.
        measures_later: Whether `measure_level` returns the same of a level's stored weights, after the run.
    """

    decides_numbers: ClassVar[bool] = False
    needs_gradients: ClassVar[bool] = False
    measures_later: ClassVar[bool] = False

    def columns(self) -> Sequence[Column]:
        """Return what is known of the measures: label, unit, colour; one without a column is shown by its name."""
        return ()

    def lacks(self, row: Mapping[str, float | int]) -> bool:
        """Tell whether a level's row lacks what this callback would measure; asked where a run is gone on with.

        Args:
            row: Of `curve.csv`.
        """
        return any(column.name not in row for column in self.columns())

    def check_levels(self, last_level: int) -> None:
        """Find out before any training whether a run can be measured as asked.

        Args:
            last_level: Number of the run's last level.

        Raises:
            UserError: It cannot.
        """

    def check_begun(self, level: int, epochs: range) -> None:
        """Find out whether a level that a resumed run has left half trained can be measured as asked.

        Args:
            level: Its number.
            epochs: Those of the level that are trained.

        Raises:
            UserError: It cannot, since something was to be measured in these epochs.
        """

    def shorten(self) -> None:
        """Measure as cheaply as will do to try it out; called of a callback that is thrown away after the trial."""

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Find out whether there are levels to hear of.

        Raises:
            UserError: Nothing drives them.
        """
        check_driven(trainer, self)
        super().on_fit_start(trainer, pl_module)

    def on_level_start(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> None:
        """Hear that a level begins, its weights, masks and optimizer in place."""

    def on_level_epoch_end(self, trainer: pl.Trainer, pl_module: Classifier, level: Level, epoch: int) -> None:
        """Hear that epoch `epoch`, counted from 0 within the level, is done; before any `on_train_epoch_end`.

        What is logged here with `pl_module.log` is in `trainer.callback_metrics` for the other callbacks.
        """

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> Mapping[str, Any]:
        """Return measures of the trained level by name; called on every process, before `on_level_end`.

        A measure is a real number or a tensor of no dimensions. Its name is a column of `curve.csv`, and is neither
        another callback's nor one of `sdd.callbacks.measuring.RESERVED`.
        """
        return {}

    def warnings(self) -> Sequence[str]:
        """Return what went wrong in the levels so far, a line each; `summary.json` keeps it."""
        return ()

    def on_level_end(
        self, trainer: pl.Trainer, pl_module: Classifier, level: Level, measures: Mapping[str, float]
    ) -> None:
        """Hear all measures of a level that has just been trained."""


def refuse_other_levels(setting: str, levels: Sequence[int], last_level: int) -> None:
    """Find out whether levels that a setting names are among those of a run.

    A run of the dense level alone is what `pruning.dense_from` trains, with the settings of all levels: it is asked for
    none of the others.

    Raises:
        UserError: One is not.
    """
    for level in levels:
        if level < 0 or level > last_level > 0:
            raise UserError(f"{setting} names level {level}; the run has levels 0 (dense) to {last_level}")


def level_callbacks(trainer: pl.Trainer) -> list[LevelCallback]:
    """Return the trainer's callbacks that hear of levels."""
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return [callback for callback in callbacks if isinstance(callback, LevelCallback)]
