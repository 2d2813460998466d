"""Symmetric noise: each label moves to one of the other classes with probability `rate`."""

import numpy as np

from sdd.data.noise import CleanLabels, Labels, Noise


def symmetric(clean: CleanLabels) -> Labels:
    """Move each label with probability `rate` to one of the C − 1 other classes, each as likely.

    Returns:
        Noisy labels, int64 of shape [N].
    """
    count = len(clean.labels)
    moved = clean.stream.uniform(count) < clean.rate
    others = (clean.labels + 1 + clean.stream.integers(clean.num_classes - 1, count)) % clean.num_classes
    return np.where(moved, others, clean.labels)


PART = Noise(symmetric)
