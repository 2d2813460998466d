"""How often the comparison is wrong: simulations of intervals, and formulas against loops."""

import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sdd.analysis.compare import complete_block, mean_phases
from sdd.analysis.correlation import PooledCorrelation, pool
from sdd.analysis.grouping import group_runs
from sdd.analysis.reading import Run
from sdd.analysis.statistics import Correlation
from sdd.analysis.tickets import pair_groups
from tests.analysis.unrelated import SHAPES, TESTS, false_positives, unrelated


def bare_run(name, seed, accuracy, levels=None, masks_from=None):
    """A run of nothing but test accuracies, at 20 % pruned a level."""
    levels = range(len(accuracy)) if levels is None else levels
    rows = tuple(
        {"level": level, "sparsity": 1 - 0.8**level, "test_acc": float(value)}
        for level, value in zip(levels, accuracy, strict=True)
    )
    retrain = "lottery" if masks_from is None else "scratch"
    settings = {"seed_everything": seed, "pruning.masks_from": masks_from, "pruning.retrain": retrain}
    return Run(Path(name), name, settings, settings, rows, True, None)


def both_groups(tickets, fresh):
    """Groups of the accuracies of two sides, [seeds, levels] each."""
    runs = [bare_run(f"a{seed}", seed, values) for seed, values in enumerate(tickets)]
    runs += [bare_run(f"b{seed}", seed, values, masks_from="x") for seed, values in enumerate(fresh)]
    return group_runs(runs)


CURVE = 0.70 - 0.08 * np.exp(-(((np.arange(20) - 9) / 3) ** 2)) + 0.14 / (1 + np.exp(-(np.arange(20) - 14.0)))


def simulated(difference, trials, seeds=4, noise=0.01):
    """How often each level's interval, and that of each phase, misses the true difference, and Holm errs."""
    rng = np.random.default_rng(0)
    missed, phase_missed, any_holm = [], [], 0
    for _ in range(trials):
        both = CURVE + rng.normal(0, noise, (2, seeds, CURVE.size)) + rng.normal(0, 0.02, (seeds, 1))
        found = pair_groups(*both_groups(both[0], both[1] + difference))
        missed += [not level["low"] <= difference <= level["high"] for level in found["levels"]]
        phase_missed += [not part["low"] <= difference <= part["high"] for part in found["phases"].values()]
        any_holm += any(level["reinit_wins_holm"] or level["lottery_wins_holm"] for level in found["levels"])
    return np.mean(missed), np.mean(phase_missed), any_holm / trials


def test_ticket_intervals_cover_and_holm_keeps_the_family():
    missed, phase_missed, family = simulated(0.0, 150)
    assert 0.03 < missed < 0.07
    assert phase_missed < 0.10, "chosen phases must not favour a side"
    assert family < 0.10
    assert 0.03 < simulated(0.03, 50)[0] < 0.075


@pytest.mark.slow
def test_ticket_intervals_cover_over_many_trials():
    missed, phase_missed, family = simulated(0.0, 1500)
    assert missed == pytest.approx(0.05, abs=0.005)
    assert phase_missed == pytest.approx(0.05, abs=0.015)
    assert family < 0.065


def test_each_level_is_scipys_paired_test():
    rng = np.random.default_rng(3)
    tickets, fresh = CURVE + rng.normal(0, 0.01, (2, 5, CURVE.size))
    found = pair_groups(*both_groups(tickets, fresh))
    for level in found["levels"]:
        index = level["level"]
        test = stats.ttest_rel(fresh[:, index], tickets[:, index])
        interval = test.confidence_interval()
        assert level["p_value"] == pytest.approx(test.pvalue)
        assert (level["low"], level["high"]) == pytest.approx((interval.low, interval.high))
        assert level["reinit_test_acc"] == pytest.approx(fresh[:, index].mean())
    dense = found["levels"][0]
    assert math.isnan(dense["p_holm"]), "the dense level is not in the family"
    assert not any(dense[name] for name in ("reinit_wins", "lottery_wins", "reinit_wins_holm", "lottery_wins_holm"))
    assert found["overall"]["levels"] == CURVE.size - 1


def test_one_pair_gives_differences_without_intervals():
    found = pair_groups(*both_groups(CURVE[None], CURVE[None] + 0.01))
    assert found["overall"]["mean"] == pytest.approx(0.01)
    assert math.isnan(found["overall"]["low"])
    assert not any(level["reinit_wins"] or level["reinit_wins_holm"] for level in found["levels"])


def test_a_run_without_a_partner_is_named():
    lottery, reinit = both_groups(CURVE[None].repeat(2, 0), CURVE[None].repeat(3, 0))
    found = pair_groups(lottery, reinit)
    assert len(found["pairs"]) == 2
    assert found["notes"] == ["without a partner: b2"]


@pytest.mark.parametrize("shape", SHAPES)
def test_no_p_value_is_given_since_none_keeps_its_promise(shape):
    """What decided against a p-value: each of the tests tried takes far too many unrelated pairs of some shape."""
    taken = false_positives(shape, levels=15, pairs=60, seed=5)
    assert set(taken) == set(TESTS)
    if shape == "flat, then collapse":
        assert min(taken["naive"], taken["effective levels"]) > 0.1
    assert not [field for field in (*fields(Correlation), *fields(PooledCorrelation)) if field.name.startswith("p_")]


def test_the_interval_over_seeds_is_about_seeds_and_not_about_relatedness():
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(60):
        x, y = (curve + 0.3 * rng.normal(size=(5, 35)) for curve in unrelated("bends over 8 levels", 35, rng))
        within = pool(list(x), list(y)).within
        wrong += within.low * within.high > 0
    assert wrong / 60 > 0.5


def test_perfect_and_constant_seeds():
    x = np.arange(10.0)
    found = pool([x, x, np.zeros(10)], [x, x**2, x])
    assert found.seeds == 2
    assert found.within.estimate == pytest.approx(1 - 6 / (10 * 99))
    nothing = pool([np.zeros(10)], [x])
    assert nothing.seeds == 0
    assert math.isnan(nothing.within.estimate)


def test_the_complete_block_is_the_largest_one():
    full = [bare_run(str(seed), seed, CURVE) for seed in range(2)]
    young = bare_run("young", 2, CURVE[:6])
    gap = bare_run("gap", 3, np.delete(CURVE, 7), levels=[level for level in range(20) if level != 7])
    headless = bare_run("headless", 4, CURVE[1:], levels=range(1, 20))
    runs, levels = complete_block([young, *full])
    assert ([run.name for run in runs], len(levels)) == (["0", "1"], 20)
    runs, levels = complete_block([*full, gap])
    assert (len(runs), len(levels)) == (3, 19)
    runs, levels = complete_block([headless, *full])
    assert (len(runs), levels[0]) == (2, 0), "the dense level is never given up"


def test_the_mean_curve_has_the_noise_of_its_seeds():
    rng = np.random.default_rng(9)
    grid, ratios = 1 - 0.8 ** np.arange(20), []
    for _ in range(100):
        curves = CURVE + rng.normal(0, 0.02, (5, 20)) + rng.normal(0, 0.1, (5, 1))
        ratios.append(mean_phases(grid, curves).noise / (0.02 / math.sqrt(5)))
    assert 1 < np.median(ratios) < 2, "the noisiest level's; offsets between seeds do not count"
    curves[0, 3] = 0.1
    found = mean_phases(grid, curves)
    assert found.noise > 0.1, "one failed training makes its level uncertain"


def test_ten_seeds_on_a_coarse_grid_show_a_fall_of_few_levels():
    rng = np.random.default_rng(10)
    grid = np.array([0, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999])
    curves = np.array([0.68, 0.66, 0.62, 0.66, 0.72, 0.78, 0.8, 0.75]) + rng.normal(0, 0.02, (10, 8))
    found = mean_phases(grid, curves)
    assert found.double_descent, found.reason
    assert (found.trough, found.peak) == (2, 6)
    assert found.depth == pytest.approx(0.06, abs=0.02)
