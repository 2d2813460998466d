"""Correlations against scipy and enumeration; intervals against simulated seeds."""

import itertools
import math
import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.interpolate import PchipInterpolator

from sdd.analysis.statistics import bootstrap_phases, spearman

LEVELS = np.arange(35)
SPARSITY = 1 - 0.8**LEVELS
CURVE = PchipInterpolator([0, 6, 15, 27, 34], [0.68, 0.68, 0.62, 0.80, 0.70])(LEVELS)  # depth 0.06, gain 0.12
FLAT = np.full(35, 0.7)


def draw_seeds(rng, mean, seeds, noise):
    return mean + rng.normal(0, 0.02, (seeds, 1)) + rng.normal(0, noise, (seeds, len(mean)))


@pytest.mark.parametrize("n", [8, 12, 35])
def test_spearman_is_scipys_with_ties_and_gaps(n):
    rng = np.random.default_rng(n)
    x, y = rng.integers(0, 8, n).astype(float), rng.normal(size=n)
    expected = stats.spearmanr(x, y)
    result = spearman([*x, math.nan, 1.0, math.inf], [*y, 0.0, math.nan, 1.0])
    assert (result.rho, result.p_value) == pytest.approx((expected.statistic, expected.pvalue))
    assert result.n == n


def test_p_values_of_few_pairs_count_permutations():
    x, y = [1, 2, 2, 5, 4], [3, 1, 4, 5, 9]
    rho = stats.spearmanr(x, y).statistic
    all_of_them = [abs(stats.spearmanr(order, y).statistic) for order in itertools.permutations(x)]
    assert spearman(x, y).rho == pytest.approx(rho)
    assert spearman(x, y).p_value == pytest.approx(np.mean(np.array(all_of_them) >= abs(rho) - 1e-12))
    assert spearman([1, 2, 3], [4, 5, 6]).p_value == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("x", "y", "n"), [([], [], 0), ([1, 2], [2, 1], 2), ([1, 1, 1], [1, 2, 3], 3), ([1, 2, math.nan], [1, 2, 3], 2)]
)
def test_too_few_or_constant_pairs_have_no_correlation(x, y, n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = spearman(x, y)
    assert math.isnan(result.rho)
    assert math.isnan(result.p_value)
    assert result.n == n


def covered(mean, depth, gain, seeds, noise, repeats, resamples):
    """Return how often the intervals hold the true depth and gain, and how often a double descent is claimed."""
    rng = np.random.default_rng([seeds, round(1000 * noise)])
    counts = np.zeros(3)
    for _ in range(repeats):
        found = bootstrap_phases(draw_seeds(rng, mean, seeds, noise), SPARSITY, resamples=resamples)
        counts += [
            found.depth.low <= depth <= found.depth.high,
            found.gain.low <= gain <= found.gain.high,
            found.double_descent,
        ]
    return counts / repeats


@pytest.mark.parametrize(("mean", "depth", "gain"), [(CURVE, 0.06, 0.12), (FLAT, 0.0, 0.0)])
@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_cover_the_truth(mean, depth, gain, seeds):
    shares = covered(mean, depth, gain, seeds, 0.01, repeats=120, resamples=100)
    assert min(shares[:2]) >= 0.92
    if depth == 0:
        assert shares[2] <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("mean", "depth", "gain"), [(CURVE, 0.06, 0.12), (FLAT, 0.0, 0.0)])
@pytest.mark.parametrize("noise", [0.01, 0.02])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_intervals_cover_the_truth_closely(mean, depth, gain, noise, seeds):
    shares = covered(mean, depth, gain, seeds, noise, repeats=1000, resamples=400)
    print(f"seeds {seeds}, noise {noise}, true depth {depth}: depth, gain, verdict {shares}")  # noqa: T201
    assert min(shares[:2]) >= 0.94
    if depth == 0:
        assert shares[2] <= 0.025


def test_a_clear_double_descent_is_seen_with_three_seeds_and_a_clean_collapse_is_not():
    rng = np.random.default_rng(1)
    found = bootstrap_phases(draw_seeds(rng, CURVE, 3, 0.005), SPARSITY)
    assert found.double_descent
    assert found.seeds == 3
    assert found.recovery.estimate == pytest.approx(found.depth.estimate + found.gain.estimate)
    collapse = 0.1 + 0.88 / (1 + np.exp((LEVELS - 29) / 2))
    assert not bootstrap_phases(draw_seeds(rng, collapse, 5, 0.01), SPARSITY).double_descent


def test_without_noise_the_interval_is_the_truth():
    found = bootstrap_phases(np.tile(CURVE, (4, 1)), SPARSITY)
    assert (found.depth.low, found.depth.high) == pytest.approx((0.06, 0.06))
    assert (found.gain.low, found.gain.high) == pytest.approx((0.12, 0.12))


def test_an_offset_per_seed_does_not_matter():
    curves = draw_seeds(np.random.default_rng(2), CURVE, 5, 0.01)
    moved = bootstrap_phases(curves + np.arange(5)[:, None] / 50, SPARSITY)
    plain = bootstrap_phases(curves, SPARSITY)
    assert moved.depth.estimate == pytest.approx(plain.depth.estimate, abs=0.01)


def test_the_same_seed_gives_the_same_interval_and_more_confidence_a_wider_one():
    curves = draw_seeds(np.random.default_rng(3), CURVE, 4, 0.01)
    first = bootstrap_phases(curves, SPARSITY, seed=7)
    assert first == bootstrap_phases(curves, SPARSITY, seed=7)
    assert first != bootstrap_phases(curves, SPARSITY, seed=8)
    wide = bootstrap_phases(curves, SPARSITY, seed=7, confidence=0.99)
    assert wide.depth.low < first.depth.low < first.depth.high < wide.depth.high


def test_levels_and_seeds_with_gaps_are_left_out():
    curves = draw_seeds(np.random.default_rng(4), CURVE, 4, 0.01)
    gappy = np.vstack([curves, np.full(35, math.nan)])
    gappy[1, 20] = math.nan
    expected = bootstrap_phases(np.delete(curves, 20, axis=1), np.delete(SPARSITY, 20))
    assert bootstrap_phases(gappy, SPARSITY) == expected


@pytest.mark.parametrize("curves", [np.empty((0, 35)), CURVE[None], np.tile(CURVE, (2, 1)), np.full((3, 35), math.nan)])
def test_too_few_seeds_give_no_interval_and_no_claim(curves):
    found = bootstrap_phases(curves, SPARSITY)
    assert not found.double_descent
    assert math.isnan(found.depth.estimate)
    assert math.isnan(found.gain.high)


def test_shapes_and_confidence_are_checked():
    with pytest.raises(ValueError, match="shape"):
        bootstrap_phases(np.zeros((3, 5)), np.zeros(4))
    with pytest.raises(ValueError, match="confidence"):
        bootstrap_phases(np.zeros((3, 5)), np.zeros(5), confidence=95)
