"""Asymmetric noise for the small handwritten digits, which stand in for data sets that have it in the paper."""

from dataclasses import replace

from sdd.data.datasets.mnist import LOOK_ALIKES
from sdd.data.noise import CleanLabels, Labels, Noise
from sdd.data.noise.asymmetric import asymmetric


def digit_mistakes(clean: CleanLabels) -> Labels:
    """Move digits with probability `rate` to those that MNIST's asymmetric noise mistakes them for.

    Returns:
        Noisy labels, int64 of shape [N].
    """
    return asymmetric(replace(clean, look_alikes=LOOK_ALIKES))


PART = Noise(digit_mistakes)
