"""Generalized cross-entropy, between cross-entropy and mean absolute error: wrong labels pull at it less."""

from torch import Tensor
from torch.nn import functional

from sdd.errors import UserError
from sdd.losses import Loss
from sdd.losses._reduced import reduced


def generalized_cross_entropy(outputs: Tensor, labels: Tensor, *, q: float = 0.7, reduction: str = "mean") -> Tensor:
    """Return (1 − p^q) / q, p being the probability of the label (Zhang & Sabuncu 2018).

    Args:
        outputs: Logits, [B, C].
        labels: Classes, int64 of shape [B].
        q: In (0, 1]; towards 0 it is cross-entropy, at 1 half the absolute error of the probabilities.
        reduction: `mean`, `sum`, or `none` for the loss of each example.

    Returns:
        A scalar, or [B] for `none`.

    Raises:
        UserError: `q` is not in (0, 1].
    """
    if not 0 < q <= 1:
        raise UserError(f"model.loss_args.q is {q}; it must be above 0 and at most 1")
    return reduced(-(-q * functional.cross_entropy(outputs, labels, reduction="none")).expm1() / q, reduction)


PART = Loss(generalized_cross_entropy)
