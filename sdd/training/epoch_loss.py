"""The mean loss of an epoch, and where in it the loss left all bounds."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from sdd.errors import UserError


def mean_loss(losses: Tensor, reduced: Callable[..., Tensor], *, skips: bool) -> float:
    """Return the mean of the losses of an epoch's batches, over all processes.

    Args:
        losses: Of this process, [batches].
        reduced: Takes a tensor and `reduce_op`, `mean` or `sum`, and returns it reduced over all processes.
        skips: Whether steps of losses that are not finite were skipped: they do not count then, unless all are.
    """
    found = float(reduced(losses.mean(), reduce_op="mean"))
    if not math.isfinite(found) and skips:
        finite = losses[losses.isfinite()].double()
        total = torch.stack([finite.sum(), finite.new_tensor(len(finite))])
        summed, count = reduced(total, reduce_op="sum").tolist()
        found = summed / count if count else found
    return found


def first_step_beyond(losses: Tensor, limit: float, *, done: int, batches_a_step: int) -> int | None:
    """Return the first step of an epoch with a batch whose loss is above a limit, or NaN.

    Args:
        losses: Of the epoch's batches, [batches].
        limit: In the units of the loss.
        done: Steps of the run at the end of the epoch.
        batches_a_step: Batches of one step.

    Returns:
        Its number, counted from 1 over the run; None where there is none.
    """
    beyond = (~(losses <= limit)).nonzero()
    if not len(beyond):
        return None
    steps = -(-len(losses) // batches_a_step)
    return done - steps + int(beyond[0]) // batches_a_step + 1


def diverged(where: str, loss: float) -> UserError:
    """Make the error of a training whose loss is no longer a number."""
    return UserError(
        f"training diverged {where}: the loss is {loss}; lower the learning rate (--model.optimizer.lr) or clip "
        "gradients (--trainer.gradient_clip_val)"
    )
