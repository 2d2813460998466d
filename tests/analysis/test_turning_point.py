"""Where the learning distance turns, and its correlations within phases, of one curve and of several."""

import math
from dataclasses import replace

import pytest
from scipy import stats

from sdd.analysis.compare import analyse_group
from sdd.analysis.grouping import group_runs
from sdd.analysis.over_seeds import pooled_phase_correlations, pooled_turning_points
from sdd.analysis.phase_correlations import phase_correlations
from sdd.analysis.phases import find_phases
from sdd.analysis.reading import read_runs
from sdd.analysis.turning_point import turning_point
from tests.analysis.test_comparison import make_run

ACCURACY = [0.70, 0.70, 0.68, 0.64, 0.60, 0.60, 0.66, 0.72, 0.78, 0.82, 0.80, 0.6]


def curve(distance, accuracy=ACCURACY):
    rows = [
        {"level": 2 * place, "sparsity": 1 - 0.8**place, "test_acc": value}
        | ({} if math.isnan(distance[place]) else {"distance": distance[place]})
        for place, value in enumerate(accuracy)
    ]
    return rows, find_phases([row["sparsity"] for row in rows], accuracy)


def test_a_turning_point_by_hand():
    rows, phases = curve([5, 4, 6, 8, 9, 12, 12, 11, 10, 9.5, 9, 10])
    found = turning_point(rows, phases)
    assert (found.level, found.turns, found.value, found.rise, found.decline) == (10, True, 12, 7, 3)
    assert found.sparsity == 1 - 0.8**5, "of equal ones the first"
    assert (phases.trough, found.levels_from_trough) == (4, 2), "levels are numbers of levels, not places"
    assert found.sparsity_from_trough == pytest.approx(0.8**4 - 0.8**5)


@pytest.mark.parametrize(("first", "step", "level"), [(20, -1, 0), (1, 1, 22)])
def test_a_distance_that_only_falls_or_climbs_does_not_turn(first, step, level):
    found = turning_point(*curve([first + step * place for place in range(12)]))
    assert (found.level, found.turns, found.levels_from_trough, found.sparsity_from_trough) == (
        level,
        False,
        None,
        None,
    )


def test_without_a_trough_there_is_only_a_place_and_without_the_dense_level_nothing():
    found = turning_point(*curve([1, 2, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1], [0.9] * 12))
    assert (found.level, found.turns, found.levels_from_trough) == (4, True, None)
    assert turning_point(*curve([math.nan] * 12)) is None
    assert turning_point(*curve([math.nan, *range(11)])) is None


def test_phases_include_both_of_their_ends_and_need_a_trough():
    distance = [3, 1, 2, 5, 9, 7, 6, 8, 4, 2, 1, 0]
    rows, phases = curve(distance)
    assert (phases.trough, phases.peak) == (4, 9)
    found = phase_correlations(rows, phases, ["distance", "sharpness"])
    for stretch, places in {"dense_to_trough": slice(0, 5), "trough_to_peak": slice(4, 10)}.items():
        part = found["distance"][stretch]
        assert part.rho == pytest.approx(stats.spearmanr(ACCURACY[places], distance[places]).statistic)
        assert part.n == places.stop - places.start
        assert math.isnan(found["sharpness"][stretch].rho), "not measured"
    none = find_phases([row["sparsity"] for row in rows], [0.9] * 12)
    assert phase_correlations(rows, none, ["distance"]) == {"distance": {}}


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for seed in range(4):
        make_run(folder / f"s{seed}", seed)
    return group_runs(read_runs([folder]).runs)[0]


def test_over_seeds_each_has_phases_of_its_own_and_the_interval_is_students(group):
    analysis = analyse_group(group)
    phases = [
        find_phases([row["sparsity"] for row in run.rows], [row["test_acc"] for row in run.rows]) for run in group.runs
    ]
    each = [
        phase_correlations(run.rows, own, ["distance"])["distance"] for run, own in zip(group.runs, phases, strict=True)
    ]
    for stretch in ("dense_to_trough", "trough_to_peak"):
        limits = [1 - 6 / (found[stretch].n ** 3 - found[stretch].n) for found in each]
        limited = [
            math.copysign(min(abs(found[stretch].rho), limit), found[stretch].rho)
            for found, limit in zip(each, limits, strict=True)
        ]
        scores = list(map(math.atanh, limited))
        low, high = stats.t.interval(0.95, 3, stats.tmean(scores), stats.sem(scores))
        pooled = analysis["correlations"]["distance"]["phases"][stretch]["pooled"]
        assert pooled["seeds"] == 4
        wanted = [math.tanh(value) for value in (stats.tmean(scores), low, high)]
        assert [pooled["within"][name] for name in ("estimate", "low", "high")] == pytest.approx(wanted)
    turns = [turning_point(run.rows, own) for run, own in zip(group.runs, phases, strict=True)]
    found = analysis["turning_point"]
    assert (found["turning"], found["levels_from_trough"]["seeds"]) == (4, 4)
    for name in ("level", "sparsity", "value", "rise", "decline", "levels_from_trough", "sparsity_from_trough"):
        values = [getattr(turn, name) for turn in turns]
        assert found[name]["estimate"] == pytest.approx(stats.tmean(values), abs=1e-12)
        width = stats.t.ppf(0.975, 3) * stats.sem(values)
        assert found[name]["high"] - found[name]["estimate"] == pytest.approx(width, abs=1e-12)


def test_seeds_without_a_trough_or_a_turning_point_are_left_out(group):
    first, second, third, fourth = group.runs
    flat = tuple(row | {"test_acc": 0.9} for row in second.rows)
    climbing = tuple(row | {"distance": float(row["level"])} for row in third.rows)
    unmeasured = tuple({name: value for name, value in row.items() if name != "distance"} for row in fourth.rows)
    runs = [first, replace(second, rows=flat), replace(third, rows=climbing), replace(fourth, rows=unmeasured)]
    found = pooled_turning_points(runs)
    assert [seed["name"] for seed in found["per_seed"]] == [run.name for run in runs[:3]]
    assert (found["turning"], found["level"]["seeds"], found["levels_from_trough"]["seeds"]) == (2, 2, 1)
    assert math.isnan(found["levels_from_trough"]["low"]), "one seed has no interval"
    stretches = pooled_phase_correlations(runs, ["distance"])["distance"]
    assert [seed["name"] for seed in stretches["dense_to_trough"]["per_seed"]] == [
        run.name for run in (first, third, fourth)
    ]
    assert stretches["dense_to_trough"]["pooled"]["seeds"] == 2
