"""The end of a run's time, at which it stops so that it can go on later."""

import time
from collections.abc import Mapping
from datetime import timedelta

import lightning.pytorch as pl

from sdd.callbacks.idle_hooks import IdleAtSteps
from sdd.durations import time_with_colons
from sdd.errors import UserError


class TimeLimit(IdleAtSteps):
    """Ends the training after the first epoch that ends when a time is over; that epoch's checkpoint is written.

    So every start of a run trains at least an epoch, however short the time.

    Args:
        duration: The time, counted from here on, in a form that `duration_of` reads.

    Raises:
        UserError: It is in none.

    Attributes:
        reached: Whether it has ended the training.
    """

    decides_numbers = False

    def __init__(self, duration: str | timedelta | Mapping[str, float]) -> None:
        self.reached = False
        self._end = time.monotonic() + duration_of(duration).total_seconds()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Ask the Trainer to stop, on all processes where the time is over on one."""
        over = trainer.strategy.reduce_boolean_decision(time.monotonic() >= self._end, all=False)
        if over and not trainer.should_stop and trainer.current_epoch + 1 < (trainer.max_epochs or 0):
            trainer.should_stop = self.reached = True


def duration_of(value: str | timedelta | Mapping[str, float]) -> timedelta:
    """Return the time that `trainer.max_time` says.

    Args:
        value: DD:HH:MM:SS, a timedelta, or its arguments by name, such as {hours: 3}.

    Raises:
        UserError: It is none of these, or no time at all.
    """
    try:
        duration = time_with_colons(value) if isinstance(value, str) else None
        if duration is None:
            duration = value if isinstance(value, timedelta) else timedelta(**dict(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        duration = timedelta(0)
    if duration <= timedelta(0):
        raise UserError(f"trainer.max_time is {value!r}; it must be a time as DD:HH:MM:SS or as {{hours: 3}}, above 0")
    return duration
