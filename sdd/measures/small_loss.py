"""The loss of outputs that are small, with which that of a network can be compared."""

import math

import torch
from torch import nn

from sdd.losses import Loss


@torch.no_grad()
def small_loss(loss: Loss, classes: int, device: torch.device) -> float:
    """Return the largest absolute loss of three small outputs: all 0; 1 for the right class alone; for a wrong one.

    Of cross-entropy that is ln(e + C − 1), a bit more than the ln C of outputs that say nothing.

    Args:
        loss: Of outputs [B, C] and labels [B].
        classes: C.
        device: That the loss computes on.

    Returns:
        A number above 0, in the units of the loss; NaN where it is 0 or not finite, which tells nothing.
    """
    mean, labels = loss.for_measuring().mean, torch.arange(classes, device=device)
    if isinstance(mean, nn.Module):
        mean.to(device)  # a copy
    right = torch.eye(classes, device=device)
    sizes = [abs(float(mean(outputs, labels))) for outputs in (torch.zeros_like(right), right, right.roll(1, 0))]
    largest = max(sizes)
    return largest if all(map(math.isfinite, sizes)) and largest > 0 else math.nan
