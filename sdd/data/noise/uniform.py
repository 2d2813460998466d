"""Uniform noise, the paper's: a fraction of the labels is redrawn over all classes (He et al. 2022, section 3)."""

from sdd.data.noise import CleanLabels, Labels, Noise
from sdd.rounding import ceil_fraction


def uniform(clean: CleanLabels) -> Labels:
    """Redraw ⌈rate × N⌉ labels over all C classes, so that about rate × (1 − 1/C) of all are really wrong.

    Returns:
        Noisy labels, int64 of shape [N].
    """
    count = len(clean.labels)
    chosen = clean.stream.permutation(count)[: ceil_fraction(clean.rate, count)]
    noisy: Labels = clean.labels.copy()
    noisy[chosen] = clean.stream.integers(clean.num_classes, len(chosen))
    return noisy


PART = Noise(uniform)
