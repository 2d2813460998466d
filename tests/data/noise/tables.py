"""Noise of each type on made-up labels, and how often a class became another."""

from typing import NamedTuple

import numpy as np
from scipy import stats

from sdd.data.label_noise import LabelNoise
from sdd.data.noise import NOISE_TYPES

ENOUGH = 1e-4  # a p-value below this is no chance
RATES = [0.1, 0.4, 0.9]
CLASSES = [2, 10, 100]


class Noisy(NamedTuple):
    """Noisy labels, and where they differ from the true ones."""

    labels: np.ndarray
    flipped: np.ndarray


def balanced(count, num_classes=10):
    """Labels 0, 1, ..., 0, 1, ... shuffled."""
    return np.random.default_rng(0).permutation(np.arange(count) % num_classes)


def every_other(num_classes=10):
    """Look-alikes for the even classes."""
    return {c: (c + 3) % num_classes for c in range(0, num_classes, 2)}


def noise(labels, kind, rate, seed=0, num_classes=10, split="train", look_alikes=None):
    """Make labels noisy."""
    chosen = LabelNoise(kind, NOISE_TYPES.get(kind), rate, seed)
    looks = every_other(num_classes) if look_alikes is None else look_alikes
    places = np.arange(len(labels))
    noisy = chosen.noisy(labels, num_classes, looks, split, places, len(labels))
    return Noisy(noisy, noisy != labels)


def transitions(labels, noisy, num_classes=10):
    """Count examples by true and noisy class."""
    counts = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(counts, (labels, noisy), 1)
    return counts


def chi_square(counts, probabilities):
    """P-value of a table of true by noisy class; where the probability is 0 there must be nothing."""
    expected = counts.sum(1, keepdims=True) * probabilities
    assert (counts[expected == 0] == 0).all()
    possible = expected > 0
    statistic = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
    freedom = (possible.sum(1) - 1).sum()
    return stats.chi2.sf(statistic, freedom)
