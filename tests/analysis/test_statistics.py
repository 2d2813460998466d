"""Correlations against scipy and enumeration; intervals against simulated seeds."""

import math
import warnings
from dataclasses import astuple

import numpy as np
import pytest
from scipy import stats
from scipy.interpolate import PchipInterpolator

from sdd.analysis.statistics import bootstrap_phases, spearman
from tests.analysis.simulated import cases, seed_outcomes

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
    assert result.rho == pytest.approx(expected.statistic)
    assert result.n == n


@pytest.mark.parametrize(
    ("x", "y", "n"), [([], [], 0), ([1, 2], [2, 1], 2), ([1, 1, 1], [1, 2, 3], 3), ([1, 2, math.nan], [1, 2, 3], 2)]
)
def test_too_few_or_constant_pairs_have_no_correlation(x, y, n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = spearman(x, y)
    assert math.isnan(result.rho)
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
            found.double_descent is True,
        ]
    return counts / repeats


@pytest.mark.parametrize(("mean", "depth", "gain"), [(CURVE, 0.06, 0.12), (FLAT, 0.0, 0.0)])
@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_cover_the_truth(mean, depth, gain, seeds):
    shares = covered(mean, depth, gain, seeds, 0.01, repeats=120, resamples=100)
    assert min(shares[:2]) >= 0.92
    if depth == 0:
        assert shares[2] <= 0.05


def test_verdicts_over_seeds_of_simulated_curves_are_rarely_wrong():
    counts = seed_outcomes(cases(48, seed=6), seeds=(3, 5), resamples=100)
    assert sum(part.yes for part in counts["none"].values()) <= 1
    assert sum(part.no for part in counts["over 5 points"].values()) == 0
    assert sum(part.yes for part in counts["over 5 points"].values()) >= 30


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
    assert bootstrap_phases(draw_seeds(rng, collapse, 5, 0.002), SPARSITY).double_descent is False


def test_a_depth_that_noise_may_explain_is_not_decided():
    shallow = PchipInterpolator([0, 6, 15, 27, 34], [0.68, 0.68, 0.665, 0.80, 0.70])(LEVELS)
    found = bootstrap_phases(draw_seeds(np.random.default_rng(2), shallow, 3, 0.03), SPARSITY)
    assert found.depth.low < 0 < 0.01 < found.depth.high
    assert found.double_descent is None
    assert found.reason.endswith("more seeds would decide")


def test_no_is_not_said_where_a_trough_may_lie_between_levels():
    grid = np.array([0, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999])
    flat = draw_seeds(np.random.default_rng(3), np.full(8, 0.7), 5, 0.001)
    found = bootstrap_phases(flat, grid)
    assert found.double_descent is None
    assert found.reason == ("too few levels to tell: none lies between 0% and 90% sparsity, more levels would decide")
    assert bootstrap_phases(flat, SPARSITY[:8]).double_descent is False


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
    assert found.double_descent is None
    assert "three or more" in found.reason
    assert math.isnan(found.depth.estimate)
    assert math.isnan(found.gain.high)


def test_shapes_and_confidence_are_checked():
    with pytest.raises(ValueError, match="shape"):
        bootstrap_phases(np.zeros((3, 5)), np.zeros(4))
    with pytest.raises(ValueError, match="confidence"):
        bootstrap_phases(np.zeros((3, 5)), np.zeros(5), confidence=95)


def test_the_last_bits_of_accuracies_do_not_choose_between_equal_levels():
    hits = np.random.default_rng(4).integers(40, 60, (10, 12))
    noise = 1 + 1e-15 * np.random.default_rng(5).standard_normal(hits.shape)
    first, second = (bootstrap_phases(curves, 1 - 0.8 ** np.arange(12)) for curves in (hits / 100, hits / 100 * noise))
    for name in ("depth", "gain", "recovery"):
        assert astuple(getattr(first, name)) == pytest.approx(astuple(getattr(second, name)), abs=1e-9)
