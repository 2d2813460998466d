"""Phases against brute force, hand-worked and measured curves, and the chance of a wrong verdict or sentence."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdd.analysis.accuracy_noise import binomial_error, examples_of, level_noise, noise_of
from sdd.analysis.phases import (
    SMALLEST_DEPTH,
    coarsest_step,
    dip_width,
    find_phases,
    largest_depth,
    trough_and_peak,
)
from tests.analysis.simulated import cases, contradiction, judge, outcomes

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


def find(curve, sparsity=None, **more):
    return find_phases(sparsities(len(curve)) if sparsity is None else sparsity, curve, **more)


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
    assert contradiction(found, curve, sparsities(len(curve))) == "" or not len(curve)
    assert bool(found.reason) == (found.double_descent is not True)
    if found.double_descent is False:
        assert found.depth_high <= SMALLEST_DEPTH
    if found.double_descent is not True:
        assert found.boundaries is None
        assert set(found.names) <= {None}
    if found.trough is None:
        assert found.peak is found.depth is found.gain is found.recovery is None
        return
    assert found.double_descent is not False
    t, p = found.trough, found.peak
    assert curve[t] == curve[1:p].min()
    assert curve[p] == curve[t:].max()
    assert found.depth == pytest.approx(curve[0] - curve[t])
    assert found.recovery == pytest.approx(found.depth + found.gain)
    assert min(found.depth, found.recovery) > SMALLEST_DEPTH
    assert found.recovery >= found.depth / 2
    if not found.double_descent:
        return
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
    found = find(thousandths(DIGITS)[::step], sparsity=sparsities(35)[::step], examples=797)
    assert found.double_descent
    assert found.depth == pytest.approx(0.085, abs=0.01)
    assert found.gain == pytest.approx(0.163, abs=0.01)
    clean = find(thousandths(CLEAN)[::step], sparsity=sparsities(35)[::step], examples=797)
    assert clean.double_descent is False, clean.reason


def test_a_fall_within_the_first_levels_counts_like_any_other():
    curve = [0.90, 0.60, 0.60, 0.65, 0.75, 0.85, 0.93, 0.95, 0.95, 0.94, 0.9, 0.85, 0.8]
    found = find_phases(1 - 0.6 ** np.arange(13), curve)
    assert found.double_descent
    assert (found.trough, found.peak) == (1, 7)
    assert (found.depth, found.gain) == pytest.approx((0.30, 0.05))
    assert found.names == ("light", "critical", *["sweet"] * 6, *["collapsed"] * 5)


# Right predictions, of 797, of MLPs on digits: 60 % of labels wrong, 40 % pruned a level, 12 epochs a level.
EARLY = (
    (513, 418, 401, 416, 492, 554, 595, 605, 622, 633, 624, 637, 609, 559, 543, 490),
    (499, 446, 425, 399, 435, 512, 585, 614, 651, 638, 623, 589, 602, 607, 542, 476),
)


@pytest.mark.parametrize(("right", "trough", "peak"), [(EARLY[0], 2, 11), (EARLY[1], 3, 8)])
def test_early_falls_of_real_runs_are_seen(right, trough, peak):
    found = find_phases(1 - 0.6 ** np.arange(16), np.array(right) / 797)
    assert found.double_descent
    assert (found.trough, found.peak) == (trough, peak)
    assert found.depth == pytest.approx((right[0] - min(right[1:peak])) / 797)


@pytest.mark.parametrize("examples", [10_000, None])
def test_a_shallow_trough_that_many_test_images_show_is_seen(examples):
    percent = [28.3, 26.2, 25.6, 25.8, 25.6, 25.4, 26.6, 27.5, 29.2, 31.3, 32.7, 31.4, 29.8]
    found = find_phases(1 - 0.64 ** np.arange(13), np.array(percent) / 100, examples=examples)
    assert found.double_descent
    assert (found.trough, found.peak) == (5, 10)
    assert (found.depth, found.gain) == pytest.approx((0.029, 0.044))
    assert set(found.names) == {"light", "critical", "sweet", "collapsed"}


def test_a_lucky_level_does_not_stand_in_for_the_dense_one():
    found = find(thousandths(UNLUCKY_DENSE), examples=797)
    assert found.double_descent is None
    assert (found.trough, found.peak) == (14, 27)
    assert found.depth == pytest.approx(0.042)
    assert "falls at most 4.2 points below the dense network's 59.00%, at 95.6% sparsity" in found.reason
    assert "climbs at most 26.4 points" in found.reason
    assert found.depth_high > 0.042


FLAT_THEN = [0.98] * 20


@pytest.mark.parametrize(
    ("curve", "verdict", "reason"),
    [
        ([], None, "the dense level"),
        ([math.nan, 0.7, 0.6, 0.6, 0.8, 0.8], None, "the dense level"),
        ([0.7], None, "1 level, too few levels"),
        ([0.7, 0.5], None, "2 levels, too few"),
        ([0.7, 0.5, 0.9], None, "too few"),
        ([0.7, 0.5, math.nan, 0.9, 0.9], None, "4 levels, too few"),
        ([0.7] * 12, False, "no level lies below the dense network's 70.00%"),
        (np.linspace(0.3, 0.9, 20), False, "no level lies below"),
        (np.linspace(0.9, 0.3, 20), False, "falls at most 60.0 points below the dense network's 90.00%, at 98.5"),
        ([*FLAT_THEN, 0.9, 0.7, 0.4, 0.2, 0.1], False, "never climbs again"),
        ([*FLAT_THEN, 0.9, 0.95, 0.8, 0.5, 0.1], None, "a single level"),  # a bump one level wide
        ([*FLAT_THEN, 0.9, 0.6, 0.6, 0.75, 0.75, 0.3, 0.1], False, "climbs at most 15.0 points"),  # a wide one
        ([0.7] * 8 + [0.1] + [0.7] * 8, None, "a single level"),  # one diverged training
        ([0.7] * 8 + [0.4] * 4 + [0.9] + [0.4] * 4, None, "a single level"),  # one lucky level
    ],
)
def test_none_is_claimed_where_there_is_none(curve, verdict, reason):
    found = find(np.array(curve, float))
    assert found.double_descent is verdict
    assert reason in found.reason


def test_few_levels_are_said_to_be_too_few():
    grid = np.array([0, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999])
    found = find_phases(grid, np.array([520, 510, 512, 518, 515, 520, 516, 500]) / 797)
    assert found.double_descent is None
    assert "too few levels to tell: none lies between 0% and 90% sparsity" in found.reason
    four = thousandths(DIGITS)[::6]
    found = find_phases(sparsities(35)[::6], four, examples=797)
    assert found.double_descent is None
    assert "levels" in found.reason.split(":")[-1]


def test_a_bump_in_the_collapse_does_not_move_the_peak():
    curve = [*thousandths(DIGITS), 0.60, 0.45, 0.40, 0.60, 0.62, 0.30]
    found = find(curve)
    assert (found.trough, found.peak) == (16, 28)


def test_simulated_verdicts_and_sentences_are_rarely_wrong():
    counts = outcomes(judge(cases(240, seed=4)))
    assert counts["none"].yes <= 0.05 * counts["none"].all
    assert counts["none"].all > 100
    assert counts["over 5 points"].no <= 0.05 * counts["over 5 points"].all
    assert counts["over 5 points"].yes >= 0.6 * counts["over 5 points"].all
    assert sum(part.untrue for part in counts.values()) == 0


@pytest.mark.slow
def test_verdicts_and_sentences_of_many_simulated_curves_are_rarely_wrong():
    counts = outcomes(judge(cases(4000, seed=5)))
    assert counts["none"].yes <= 0.03 * counts["none"].all
    assert counts["over 5 points"].no == 0
    assert counts["1 to 5 points"].no <= 0.05 * counts["1 to 5 points"].all
    assert sum(part.untrue for part in counts.values()) == 0


@pytest.mark.parametrize("sigma", [0.002, 0.01])
def test_flat_noisy_curves_are_rarely_mistaken(sigma):
    rng = np.random.default_rng(5)
    wrong = sum(bool(find(0.7 + sigma * rng.normal(size=35)).double_descent) for _ in range(200))
    assert wrong / 200 < 0.05


@pytest.mark.parametrize("sigma", [0.005, 0.01])
def test_noisy_curves_with_a_trough_are_rarely_missed(sigma):
    rng = np.random.default_rng(6)
    mean = np.interp(np.arange(35), [0, 6, 15, 28, 34], [0.68, 0.68, 0.60, 0.82, 0.65])
    assert sum(bool(find(mean + sigma * rng.normal(size=35)).double_descent) for _ in range(100)) >= 95


@pytest.mark.parametrize("width", [1.0, 2.0, 4.0])
def test_noisy_collapses_are_never_second_descents(width):
    rng = np.random.default_rng(7)
    mean = 0.1 + 0.88 / (1 + np.exp((np.arange(40) - 33) / width))
    spread = 0.05 * np.sqrt(mean * (1 - mean))
    found = [find(np.clip(mean + spread * rng.normal(size=40), 0, 1)).double_descent for _ in range(150)]
    assert sum(map(bool, found)) <= 3


def test_noise_is_estimated_without_bias_and_past_slopes_and_jumps():
    rng = np.random.default_rng(8)
    noise = 0.01 * rng.normal(size=40000)
    assert level_noise(noise) == pytest.approx(0.01, rel=0.05)
    assert level_noise(noise + np.linspace(0, 5, 40000)) == pytest.approx(0.01, rel=0.05)
    noise[::100] += 0.5
    assert level_noise(noise) == pytest.approx(0.01, rel=0.1)
    assert math.isnan(level_noise([0.5, 0.6, 0.6]))
    bent = 0.7 + 0.1 * np.sin(np.arange(20) / 3)
    assert level_noise(bent) < 0.001, "bends are not noise"


def test_the_size_of_the_test_set_is_told_from_its_accuracies():
    rng = np.random.default_rng(9)
    for size in (100, 797, 10_000, 45_678):
        assert examples_of(rng.binomial(size, 0.7, 15) / size) == size
    assert examples_of(rng.uniform(size=5)) is None
    assert examples_of([0.0, 1.0, math.nan]) is None
    assert binomial_error(0.65, 797) == pytest.approx(0.0169, abs=1e-4)


def test_the_noise_of_short_curves_lies_between_that_of_the_test_set_and_a_point_more():
    quiet, bent = np.full(8, 0.65), np.array([0.65, 0.4, 0.7, 0.3, 0.8, 0.4, 0.65, 0.2])
    test_set = binomial_error(0.65, 797)
    assert noise_of(quiet, 797) == pytest.approx(test_set)
    assert noise_of(bent, 797) == pytest.approx(math.hypot(binomial_error(0.4, 797), 0.01), rel=0.03)
    assert noise_of(bent, None) == pytest.approx((1 + 3 / 8) * level_noise(bent))
    assert noise_of(np.full(35, 0.65), 797) == 0, "long curves show their noise themselves"


def test_how_wide_a_dip_is_on_a_grid_and_where_a_trough_may_hide():
    assert [dip_width(1 - kept ** np.arange(9)) for kept in (0.8, 0.7, 0.6, 0.36, 0.2)] == [3, 2, 1, 1, 1]
    assert coarsest_step(sparsities(35)) is None
    assert coarsest_step(1 - 0.25 ** np.arange(5.0)) is None
    assert coarsest_step(np.array([0, 0.5, 0.9, 0.95, 1])) == (0.5, 0.9)


def test_the_largest_depth_worked_by_hand():
    curve = np.array([0.7, 0.6, 0.62, 0.8, 0.5])
    assert largest_depth(curve, np.zeros(5), 1) == pytest.approx(0.1)
    noise = np.full(5, 0.01)
    assert largest_depth(curve, noise, 1) == pytest.approx(0.1 + 1.96 * math.sqrt(2) * 0.01, abs=1e-5)
    assert largest_depth(np.array([0.7, 0.69, 0.6, 0.55, 0.5]), np.zeros(5), 1) == 0


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="3 sparsities but 2"):
        find_phases([0, 0.2, 0.4], [0.7, 0.6])
