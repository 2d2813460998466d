import math

import numpy as np
import pytest
from scipy import stats

from tests.data.noise.tables import ENOUGH, balanced, chi_square, noise, transitions


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
def test_uniform_noise_redraws_a_fraction_over_all_classes(rate):
    count, num_classes = 50_000, 10
    labels = balanced(count)
    noisy = noise(labels, "uniform", rate)
    redrawn = math.ceil(rate * count)
    changed = int(noisy.flipped.sum())
    assert stats.binomtest(changed, redrawn, 1 - 1 / num_classes).pvalue > ENOUGH
    expected = np.full((num_classes, num_classes), rate / num_classes) + (1 - rate) * np.eye(num_classes)
    assert chi_square(transitions(labels, noisy.labels), expected) > ENOUGH


@pytest.mark.parametrize(
    ("rate", "count", "redrawn"),
    [(0.4, 1000, 400), (0.07, 100, 7), (0.001, 10, 1), (1.0, 37, 37), (0.0, 9, 0)],
)
def test_uniform_noise_redraws_exactly_the_fraction_rounded_up(rate, count, redrawn):
    # With 10**9 classes a redrawn label is never the true one again, so redrawn and changed are the same.
    noisy = noise(np.zeros(count, dtype=np.int64), "uniform", rate, num_classes=10**9, look_alikes={})
    assert noisy.flipped.sum() == redrawn


def test_uniform_noise_chooses_every_example_equally_often():
    times = sum(
        noise(np.zeros(40, dtype=np.int64), "uniform", 0.25, seed, 10**9, look_alikes={}).flipped.astype(int)
        for seed in range(2000)
    )
    # Without replacement the counts have variance n p (1 − p), and they sum to a constant.
    statistic = ((times - 500) ** 2).sum() / (500 * 0.75) * 39 / 40
    assert stats.chi2.sf(statistic, 39) > ENOUGH
    assert stats.chi2.cdf(statistic, 39) > ENOUGH


def test_a_rate_of_one_redraws_every_label():
    labels = balanced(20_000)
    noisy = noise(labels, "uniform", 1.0)
    assert stats.chisquare(np.bincount(noisy.labels)).pvalue > ENOUGH
    assert chi_square(transitions(labels, noisy.labels), np.full((10, 10), 0.1)) > ENOUGH


def test_noise_is_the_same_on_every_machine():
    labels = [0, 6, 1, 0, 4, 5, 2, 7, 8, 4, 3, 1, 2, 3, 1, 5, 2, 7, 8, 9]
    assert noise(np.arange(20) % 10, "uniform", 0.4).labels.tolist() == labels
