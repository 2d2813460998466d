"""The steps of a level, as the Trainer counts them, and where in its schedule a level begins."""

from dataclasses import dataclass

import lightning.pytorch as pl

from sdd.errors import UserError


@dataclass(frozen=True)
class Begin:
    """Where in its schedule a level begins.

    Attributes:
        step: Optimizer steps before it.
        epoch: Whole epochs before it.
        window: Batches of the first epoch that are trained.
    """

    step: int
    epoch: int
    window: slice


def begin_at(trainer: pl.Trainer, step: int, batches: int) -> Begin:
    """Return where a level begins that leaves out the first steps of its schedule.

    Args:
        trainer: Of the run.
        step: How many optimizer steps are left out.
        batches: Batches of the training data.
    """
    if step == 0:
        return Begin(0, 0, slice(None))
    steps = steps_per_epoch(trainer, batches)
    epoch, rest = divmod(step, steps)
    first = rest * trainer.accumulate_grad_batches
    return Begin(step, epoch, slice(first, kept_batches(trainer, batches)) if rest else slice(None))


def steps_per_epoch(trainer: pl.Trainer, batches: int) -> int:
    """Return the optimizer steps of an epoch, as the Trainer counts them.

    Args:
        trainer: Its `limit_train_batches` and `accumulate_grad_batches` count; the last batches of an epoch make a
            step too where they are fewer.
        batches: Batches of the training data.

    Raises:
        UserError: No batch is left, or validation is due after more batches than an epoch has.
    """
    kept = kept_batches(trainer, batches)
    if kept < 1:
        raise UserError(
            f"trainer.limit_train_batches is {trainer.limit_train_batches}, which leaves none of the {batches} batches "
            "of an epoch; set a larger one"
        )
    interval = trainer.val_check_interval
    whole = isinstance(interval, int) and not isinstance(interval, bool)
    if whole and interval > kept and trainer.check_val_every_n_epoch is not None and trainer.limit_val_batches > 0:
        raise UserError(f"trainer.val_check_interval is {interval}, but an epoch has only {kept} batches; set fewer")
    return -(-kept // trainer.accumulate_grad_batches)


def kept_batches(trainer: pl.Trainer, batches: int) -> int:
    """Return how many batches of an epoch the Trainer leaves, the first ones.

    Args:
        trainer: Its `limit_train_batches`, or `overfit_batches`, counts.
        batches: Batches of the training data.
    """
    limit = trainer.limit_train_batches
    return min(batches, limit) if isinstance(limit, int) else int(batches * limit)
