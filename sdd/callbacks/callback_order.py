"""The order in which a trainer's callbacks hear of epochs and levels."""

from collections.abc import Callable

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from sdd.callbacks.idle_hooks import IdleAtSteps


class LevelEnd(IdleAtSteps):
    """Calls a function at each epoch's end, after all other callbacks but those that write checkpoints.

    Args:
        end_epoch: The function.
        give_up: Called after them where the fit ends by an exception.
    """

    def __init__(
        self, end_epoch: Callable[[pl.Trainer, pl.LightningModule], None], give_up: Callable[[], None]
    ) -> None:
        self._end_epoch, self._give_up = end_epoch, give_up

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Call the function."""
        self._end_epoch(trainer, pl_module)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Call the other function."""
        self._give_up()


def place_callbacks(trainer: pl.Trainer, first: pl.Callback, last: LevelEnd) -> None:
    """Put a callback before all others of a trainer, and one after them but before those that write checkpoints."""
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    others = [callback for callback in callbacks if callback is not first and not isinstance(callback, LevelEnd)]
    checkpoints = [callback for callback in others if isinstance(callback, Checkpoint)]
    between = [callback for callback in others if not isinstance(callback, Checkpoint)]
    trainer.callbacks = [first, *between, last, *checkpoints]  # type: ignore[attr-defined]
