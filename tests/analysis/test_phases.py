"""Phases against brute force, hand-worked curves, and the chance of seeing what is not there."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdd.analysis.phases import SMALLEST_MARGIN, find_phases, level_noise, margin, running_median, trough_and_peak

# A digits run with 40 % symmetric noise, and one with clean labels, 34 prunings by a fifth each.
DIGITS = (
    "654 676 680 685 673 675 668 646 655 642 639 606 614 586 583 571 566 580 583 629 660 691 718 706 750 757 778 811 "
    "823 804 775 734 740 715 723"
)
CLEAN = (
    "975 979 981 979 977 976 975 981 979 974 974 979 975 974 971 966 964 959 959 961 954 955 956 952 954 947 947 939 "
    "928 916 921 917 898 842 812"
)
UNLUCKY_DENSE = (
    "590 660 660 650 662 654 646 662 642 646 644 595 595 604 548 604 600 553 583 619 636 690 708 725 718 726 760 812 "
    "792 792 778 788 735 647 651"
)


def thousandths(text):
    return np.array([int(part) for part in text.split()]) / 1000


def sparsities(levels):
    return 1 - 0.8 ** np.arange(levels)


def find(curve, **more):
    return find_phases(sparsities(len(curve)), curve, **more)


def brute_force(curve, limit):
    """Return the best qualified pair by trying all."""
    best = None
    for t in range(1, len(curve)):
        for p in range(t + 1, len(curve)):
            depth, recovery = curve[0] - curve[t], curve[p] - curve[t]
            if depth > limit and recovery > limit and 2 * recovery >= depth and (best is None or recovery > best[0]):
                best = (recovery, t, p)
    return best and best[1:]


# An accuracy is a share of whole examples; differences of shares far smaller than any are lost in rounding.
accuracies = st.one_of(st.integers(0, 10_000).map(lambda n: n / 10_000), st.integers(0, 20).map(lambda n: n / 20))
curves = st.lists(accuracies, min_size=0, max_size=25).map(np.array)
gappy = st.lists(st.one_of(accuracies, st.just(math.nan), st.just(math.inf)), max_size=25).map(np.array)


@given(curves, st.sampled_from([0.0, 0.01, 0.1]))
def test_the_pair_is_that_of_brute_force(curve, limit):
    pairs = trough_and_peak(curve[None].astype(float), limit)
    expected = brute_force(curve, limit)
    assert bool(pairs.found[0]) == (expected is not None)
    if expected:
        assert (pairs.trough[0], pairs.peak[0]) == expected


@given(st.lists(st.lists(accuracies, min_size=9, max_size=9), min_size=1, max_size=5))
def test_many_curves_at_once_are_each_by_itself(several):
    together = trough_and_peak(np.array(several), 0.0)
    for index, curve in enumerate(several):
        alone = trough_and_peak(np.array([curve]), 0.0)
        assert (together.trough[index], together.peak[index]) == (alone.trough[0], alone.peak[0])


@given(curves, st.sampled_from([None, 0.0, 0.001]))
def test_trough_is_lowest_before_the_peak_and_peak_highest_after_the_trough(curve, noise):
    found = find(curve, noise=noise)
    if not found.double_descent:
        assert found.reason
        assert found.trough is found.peak is found.depth is found.gain is found.boundaries is None
        assert set(found.names) <= {None}
        return
    t, p = found.trough, found.peak
    assert curve[t] == curve[1:p].min()
    assert curve[p] == curve[t:].max()
    assert found.depth == pytest.approx(curve[0] - curve[t])
    assert found.recovery == pytest.approx(found.depth + found.gain)
    assert min(found.depth, found.recovery) > SMALLEST_MARGIN
    assert found.recovery >= found.depth / 2
    edges = found.boundaries
    assert 0 <= edges.light_critical < edges.critical_sweet
    assert (edges.sweet_collapsed is None) == (p == len(curve) - 1)
    assert list(found.names) == sorted(found.names, key=["light", "critical", "sweet", "collapsed"].index)
    assert (found.names[0], found.names[t], found.names[p]) == ("light", "critical", "sweet")


@given(gappy)
def test_never_raises_and_missing_levels_count_as_absent(curve):
    found = find(curve)
    assert len(found.names) == len(curve)
    kept = np.flatnonzero(np.isfinite(curve))
    if found.double_descent:
        alone = find_phases(sparsities(len(curve))[kept], curve[kept])
        assert (kept[alone.trough], kept[alone.peak]) == (found.trough, found.peak)


def test_a_curve_worked_by_hand():
    found = find([0.70, 0.71, 0.70, 0.66, 0.62, 0.60, 0.61, 0.70, 0.78, 0.80, 0.79, 0.60], noise=0.001)
    assert (found.trough, found.peak) == (5, 9)
    assert (found.depth, found.gain, found.recovery) == pytest.approx((0.10, 0.10, 0.20))
    assert found.margin == 0.01
    edges = [found.boundaries.light_critical, found.boundaries.critical_sweet, found.boundaries.sweet_collapsed]
    assert edges == pytest.approx([1 - 0.8**level for level in (2, 5, 9)])
    assert found.names == ("light",) * 3 + ("critical",) * 3 + ("sweet",) * 4 + ("collapsed",) * 2


def test_a_curve_that_still_rises_at_its_end_has_no_collapsed_phase():
    found = find(np.interp(np.arange(25), [0, 4, 15, 24], [0.69, 0.72, 0.60, 0.85]))
    assert (found.trough, found.peak) == (15, 24)
    assert found.boundaries.sweet_collapsed is None
    assert "collapsed" not in found.names


def test_of_equal_levels_the_first_counts():
    found = find([0.7, 0.7, 0.6, 0.6, 0.6, 0.8, 0.8, 0.8, 0.5], noise=0.0)
    assert (found.trough, found.peak) == (2, 5)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_real_curves_are_judged_right(step):
    found = find(thousandths(DIGITS)[::step])
    assert found.double_descent
    assert found.depth == pytest.approx(0.085, abs=0.01)
    assert found.gain == pytest.approx(0.163, abs=0.01)
    assert not find(thousandths(CLEAN)[::step]).double_descent


def test_an_unlucky_dense_level_does_not_hide_the_trough():
    found = find(thousandths(UNLUCKY_DENSE))
    assert (found.trough, found.peak) == (14, 27)
    assert found.depth == pytest.approx(0.042)


FLAT_THEN = [0.98] * 20


@pytest.mark.parametrize(
    ("curve", "reason"),
    [
        ([], "the dense level"),
        ([math.nan, 0.7, 0.6, 0.6, 0.8, 0.8], "the dense level"),
        ([0.7], "fewer than 5"),
        ([0.7, 0.5], "fewer than 5"),
        ([0.7, 0.5, 0.9], "fewer than 5"),
        ([0.7, 0.5, math.nan, 0.9, 0.9], "fewer than 5"),
        ([0.7] * 12, "at most 0.0 points"),
        (np.linspace(0.3, 0.9, 20), "at most 0.0 points"),
        (np.linspace(0.9, 0.3, 20), "does not climb"),
        ([*FLAT_THEN, 0.9, 0.7, 0.4, 0.2, 0.1], "does not climb"),
        ([*FLAT_THEN, 0.9, 0.95, 0.8, 0.5, 0.1], "does not climb"),  # a bump one level wide
        ([*FLAT_THEN, 0.9, 0.6, 0.6, 0.75, 0.75, 0.3, 0.1], "half of the fall"),  # a wide one
        ([0.7] * 8 + [0.1] + [0.7] * 8, "at most 0.0 points"),  # one diverged training
        ([0.7] * 8 + [0.4] * 4 + [0.9] + [0.4] * 4, "does not climb"),  # one lucky level
    ],
)
def test_none_is_claimed_where_there_is_none(curve, reason):
    found = find(np.array(curve, float))
    assert not found.double_descent
    assert reason in found.reason


def test_a_bump_in_the_collapse_does_not_move_the_peak():
    curve = [*thousandths(DIGITS), 0.60, 0.45, 0.40, 0.60, 0.62, 0.30]
    found = find(curve)
    assert (found.trough, found.peak) == (16, 28)


@pytest.mark.parametrize("sigma", [0.002, 0.005, 0.01, 0.02])
def test_flat_noisy_curves_are_rarely_mistaken(sigma):
    rng = np.random.default_rng(5)
    wrong = sum(find(0.7 + sigma * rng.normal(size=35)).double_descent for _ in range(800))
    assert wrong / 800 < 0.05


@pytest.mark.parametrize("sigma", [0.005, 0.01])
def test_noisy_curves_with_a_trough_are_rarely_missed(sigma):
    rng = np.random.default_rng(6)
    mean = np.interp(np.arange(35), [0, 6, 15, 28, 34], [0.68, 0.68, 0.60, 0.82, 0.65])
    assert sum(find(mean + sigma * rng.normal(size=35)).double_descent for _ in range(200)) >= 190


@pytest.mark.parametrize("width", [1.0, 2.0, 4.0])
def test_noisy_collapses_are_never_second_descents(width):
    rng = np.random.default_rng(7)
    mean = 0.1 + 0.88 / (1 + np.exp((np.arange(40) - 33) / width))
    spread = 0.05 * np.sqrt(mean * (1 - mean))
    assert sum(find(np.clip(mean + spread * rng.normal(size=40), 0, 1)).double_descent for _ in range(300)) <= 6


def test_noise_is_estimated_without_bias_and_past_slopes_and_jumps():
    rng = np.random.default_rng(8)
    noise = 0.01 * rng.normal(size=40000)
    assert level_noise(noise) == pytest.approx(0.01, rel=0.05)
    assert level_noise(noise + np.linspace(0, 5, 40000)) == pytest.approx(0.01, rel=0.05)
    noise[::100] += 0.5
    assert level_noise(noise) == pytest.approx(0.01, rel=0.1)
    assert math.isnan(level_noise([0.5, 0.6]))


def test_the_margin():
    assert margin(35, 0.01) == pytest.approx(3.2 * 31 / 35 * 0.01)
    assert margin(35, 0.001) == margin(35, math.nan) == margin(3, 0.5) == 0.01


def test_running_median():
    assert running_median(np.array([1.0, 5, 2, 3, 0])).tolist() == [2, 3, 2]
    assert running_median(np.array([1.0, 2])).size == 0


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="3 sparsities but 2"):
        find_phases([0, 0.2, 0.4], [0.7, 0.6])
