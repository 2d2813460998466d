"""Cross-entropy of the softmax, in nats."""

from torch import Tensor
from torch.nn import functional

from sdd.errors import UserError
from sdd.losses import Loss


def cross_entropy(outputs: Tensor, labels: Tensor, *, label_smoothing: float = 0.0, reduction: str = "mean") -> Tensor:
    """Return −log softmax(outputs)[label], in nats, averaged over the batch.

    Args:
        outputs: Logits, [B, C].
        labels: Classes, int64 of shape [B].
        label_smoothing: Part of the target in [0, 1] that is spread evenly over all classes (Szegedy et al. 2016).
        reduction: `mean`, `sum`, or `none` for the loss of each example.

    Returns:
        A scalar, or [B] for `none`.

    Raises:
        UserError: `label_smoothing` is not in [0, 1].
    """
    if not 0 <= label_smoothing <= 1:
        raise UserError(f"model.loss_args.label_smoothing is {label_smoothing}; it must be a number from 0 to 1")
    return functional.cross_entropy(outputs, labels, label_smoothing=label_smoothing, reduction=reduction)


PART = Loss(cross_entropy)
