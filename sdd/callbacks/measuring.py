"""Measures of a level, collected from all callbacks, checked, and as plain numbers."""

import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import lightning.pytorch as pl
import torch

from sdd.callbacks.level import Level, LevelCallback
from sdd.errors import UserError
from sdd.failures import naming
from sdd.module import Classifier
from sdd.training.epoch_loss import diverged

RESERVED = ("level", "sparsity", "remaining", "remaining_fraction", "seconds", "depth", "epoch", "epoch_loss")
"""Columns and metrics that the run itself writes."""


def measure_all(
    callbacks: Iterable[LevelCallback], trainer: pl.Trainer, module: Classifier, level: Level
) -> dict[str, float]:
    """Return the measures of all callbacks by name.

    Raises:
        UserError: A callback gives something that is no number or under a name that is not free, or the training loss
            is not finite.
    """
    measures: dict[str, float] = {}
    owners: dict[str, str] = {}
    for callback in callbacks:
        owner = type(callback).__name__
        with naming(f"{owner}.measure_level"), torch.set_grad_enabled(callback.needs_gradients):
            found: Any = callback.measure_level(trainer, module, level)
        if not isinstance(found, Mapping):
            raise UserError(f"{owner}.measure_level gives a {type(found).__name__}; it must be numbers by name")
        for name, value in found.items():
            _check_name(name, owner, owners)
            measures[name], owners[name] = _number(value, f"{owner}: the measure {name}"), owner
    if not math.isfinite(measures.get("train_loss", 0.0)):
        raise diverged(f"at the end of level {level.level}", measures["train_loss"])
    return measures


def _check_name(name: object, owner: str, owners: Mapping[str, str]) -> None:
    if not isinstance(name, str) or not name or not name.isprintable() or name != name.strip():
        raise UserError(f"{owner}: a measure is named {name!r}; it must be a word, such as gradient_norm")
    if name in RESERVED:
        raise UserError(f"{owner}: a measure is named {name}, which a run writes itself; name it otherwise")
    if name in owners:
        raise UserError(f"{owners[name]} and {owner} both measure {name}; name one of them otherwise")


def _number(value: object, what: str) -> float:
    """Return a real number as an int or a float, exactly; True is 1.

    Args:
        value: A Python or NumPy number, or a tensor or array of no dimensions.
        what: It is, for the error.
    """
    plain: Any = value
    if hasattr(plain, "item") and getattr(plain, "ndim", None) == 0:
        plain = plain.item()
    if isinstance(plain, Real):
        try:
            as_float = float(plain)
        except OverflowError as error:
            raise UserError(f"{what} is too large for a number of a curve; the largest is 1.8e308") from error
        return int(plain) if isinstance(plain, Integral) else as_float
    shape = f" of shape {list(value.shape)}" if hasattr(value, "shape") else ""
    raise UserError(f"{what} is a {type(value).__name__}{shape}; it must be a real number or a tensor of no dimensions")
