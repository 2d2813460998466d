"""Mean, sum or neither over the examples of a batch."""

from torch import Tensor


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """Return losses [B] of examples as their mean or sum, a scalar, or as they are for `none`.

    Raises:
        ValueError: The reduction is none of these.
    """
    if reduction == "none":
        return losses
    if reduction in {"mean", "sum"}:
        return losses.mean() if reduction == "mean" else losses.sum()
    raise ValueError(f"reduction is {reduction!r}; allowed: mean, sum, none")
