"""What tells data apart without keeping them: how often each label is given to each class, and fingerprints."""

import hashlib

import numpy as np
import torch
from torch import Tensor


def transition_counts(true_labels: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Count how many examples of each true class have each label.

    Args:
        true_labels: int64 of shape [N], in [0, C).
        labels: The same examples' labels after noise, int64 of shape [N], in [0, C).
        num_classes: C.

    Returns:
        int64 of shape [C, C], a row for each true class.
    """
    places = true_labels * num_classes + labels
    return torch.bincount(places, minlength=num_classes**2).view(num_classes, num_classes)


def fingerprint(values: Tensor) -> str:
    """Return 32 hex digits that differ where shape, type, order or any value of a tensor [...] does."""
    digest = hashlib.sha256(f"{values.dtype}{list(values.shape)}".encode())
    digest.update(np.ascontiguousarray(values.cpu().numpy()).data)
    return digest.hexdigest()[:32]
