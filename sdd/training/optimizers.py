"""The optimizer of a level and its schedule of learning rates."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from sdd.errors import UserError
from sdd.failures import failure
from sdd.messages import counted

Optimizer = torch.optim.Optimizer
Schedule = Any
"""A learning-rate schedule: PyTorch's have no common class that mypy knows, as one's own need not."""


def optimizer_and_schedule(
    net: nn.Module,
    make_optimizer: Callable[..., Optimizer],
    make_schedule: Callable[[Optimizer], Schedule] | None,
    constant_lr: float | None = None,
) -> tuple[Optimizer, Schedule | None]:
    """Make an optimizer and its schedule; None: the rate is constant.

    Args:
        net: Whose parameters it moves.
        make_optimizer: Makes it from parameters.
        make_schedule: Makes the schedule from it; None: a constant rate.
        constant_lr: A rate that replaces the optimizer's and the schedule's; None: nothing does.

    Raises:
        UserError: One rate cannot replace several, or the schedule depends on a metric.
    """
    optimizer = make_optimizer(net.parameters())
    if constant_lr is not None:
        rates = sorted({float(group["lr"]) for group in optimizer.param_groups})
        if len(rates) > 1:
            raise UserError(
                f"model.optimizer has parameter groups of the rates {', '.join(map(str, rates))}; retraining at one"
                " constant rate, such as finetune or redense, needs one rate for all"
            )
        for group in optimizer.param_groups:
            group["lr"] = constant_lr
        return optimizer, None
    if make_schedule is None:
        return optimizer, None
    schedule = make_schedule(optimizer)
    if schedule is None:
        raise UserError("model.lr_scheduler makes None, no schedule; for a constant rate set it to null")
    if isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
        raise UserError(
            "model.lr_scheduler: ReduceLROnPlateau depends on a metric, so levels would not be comparable; "
            "use a schedule of epochs or steps, such as MultiStepLR"
        )
    return optimizer, schedule


def move(schedule: Schedule, moves: int) -> None:
    """Move a schedule on before its optimizer has made a step."""
    with _early_moves():
        for _ in range(moves):
            schedule.step()


def last_rate(optimizer: Optimizer, schedule: Schedule | None, moves: int, interval: str) -> float:
    """Return the learning rate of the last epoch, or step, of a level.

    Args:
        optimizer: Made anew.
        schedule: Its own; None: the rate is constant.
        moves: Epochs or steps of the level.
        interval: `epoch` or `step`: what the schedule moves with.

    Raises:
        UserError: The schedule ends before the level does.
    """
    if schedule is None:
        return float(optimizer.param_groups[0]["lr"])
    rates: list[float] = []
    try:
        with _early_moves():
            while len(rates) < moves:
                rates.append(float(optimizer.param_groups[0]["lr"]))
                schedule.step()
    except Exception as error:
        part = f"model.lr_scheduler, after {counted(len(rates) - 1, interval)} of the {moves} of a level,"
        raise failure(part, error) from error
    return rates[-1]


@contextmanager
def _early_moves() -> Iterator[None]:
    """Let a schedule move before its optimizer, whose parameters may hold gradients of the level before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
