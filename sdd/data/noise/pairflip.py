"""Pair-flip noise: each label moves to the next class with probability `rate` (Han et al. 2018)."""

import numpy as np

from sdd.data.noise import CleanLabels, Labels, Noise


def pairflip(clean: CleanLabels) -> Labels:
    """Move each label c with probability `rate` to (c + 1) mod C.

    Returns:
        Noisy labels, int64 of shape [N].
    """
    moved = clean.stream.uniform(len(clean.labels)) < clean.rate
    return np.where(moved, (clean.labels + 1) % clean.num_classes, clean.labels)


PART = Noise(pairflip)
