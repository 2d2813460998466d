"""Symmetric cross-entropy: cross-entropy, and that of labels and outputs with their roles exchanged."""

import math

from torch import Tensor
from torch.nn import functional

from sdd.errors import UserError
from sdd.losses import Loss
from sdd.losses._reduced import reduced


def symmetric_cross_entropy(
    outputs: Tensor,
    labels: Tensor,
    *,
    alpha: float = 0.1,
    beta: float = 1.0,
    log_of_zero: float = -4.0,
    reduction: str = "mean",
) -> Tensor:
    """Return α · (−log p) + β · (−A) · (1 − p), p being the probability of the label (Wang et al. 2019).

    The second term is the reverse cross-entropy −Σ p_k log y_k of a one-hot label y, whose log 0 is set to A.

    Args:
        outputs: Logits, [B, C].
        labels: Classes, int64 of shape [B].
        alpha: α, at least 0: weight of the cross-entropy, which learns but overfits.
        beta: β, at least 0: weight of the reverse one, which wrong labels pull at less.
        log_of_zero: A, below 0.
        reduction: `mean`, `sum`, or `none` for the loss of each example.

    Returns:
        A scalar, or [B] for `none`.

    Raises:
        UserError: A weight or `log_of_zero` is outside what is allowed.
    """
    for name, weight in {"alpha": alpha, "beta": beta}.items():
        if not 0 <= weight < math.inf:
            raise UserError(f"model.loss_args.{name} is {weight}; it must be a number from 0")
    if not -math.inf < log_of_zero < 0:
        raise UserError(f"model.loss_args.log_of_zero is {log_of_zero}; it must be a number below 0")
    forward = functional.cross_entropy(outputs, labels, reduction="none")
    return reduced(alpha * forward + beta * log_of_zero * (-forward).expm1(), reduction)


PART = Loss(symmetric_cross_entropy)
