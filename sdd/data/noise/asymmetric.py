"""Asymmetric noise: labels move to a class that looks alike, with probability `rate` (Patrini et al. 2017)."""

import numpy as np

from sdd.data.noise import CleanLabels, Labels, Noise


def asymmetric(clean: CleanLabels) -> Labels:
    """Move each label of a class with a look-alike with probability `rate` to that one; other labels stay.

    Returns:
        Noisy labels, int64 of shape [N].
    """
    assert clean.look_alikes is not None
    moved = clean.stream.uniform(len(clean.labels)) < clean.rate
    target = np.array([clean.look_alikes.get(c, c) for c in range(clean.num_classes)], dtype=np.int64)
    return np.where(moved, target[clean.labels], clean.labels)


PART = Noise(asymmetric, needs_look_alikes=True)
