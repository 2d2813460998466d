"""Finished runs together: what is read, grouped, correlated, paired, said, and drawn."""

import csv
import json
import math
import shutil

import numpy as np
import pytest
from scipy import stats

from sdd.__main__ import main
from sdd.analysis.compare import analyse_group, complete_block
from sdd.analysis.correlation import pool, t_interval
from sdd.analysis.curve import write_curve
from sdd.analysis.grouping import group_runs
from sdd.analysis.loss_curves import mean_loss_curves, nearest_levels, read_loss_curves
from sdd.analysis.reading import read_run, read_runs
from sdd.analysis.tickets import find_partner, holm, pair_groups
from sdd.errors import UserError
from sdd.runs.settings import Settings

LEVELS = 20


def accuracy(rng, shift=0.0):
    level = np.arange(LEVELS)
    curve = 0.70 - 0.08 * np.exp(-(((level - 9) / 3) ** 2)) + 0.14 / (1 + np.exp(-(level - 14)))
    return curve - 0.25 * np.maximum(0, (level - 17) / 3) + shift + rng.normal(0, 0.004, LEVELS)


def write_settings(folder, values, chosen=None):
    """Write a run's settings; chosen is what is not null, unless it is said."""
    chosen = {key: value for key, value in values.items() if value is not None} if chosen is None else chosen
    (folder / "settings.json").write_text(json.dumps(Settings(chosen, values).content()))


def make_run(folder, seed, *, finished=True, levels=LEVELS, curve=None, flatness=True, **settings):
    """Write a run as `fit` leaves it, with made-up numbers."""
    rng = np.random.default_rng(seed)
    values = accuracy(rng) if curve is None else curve
    remaining = 10_000
    rows = []
    for level in range(levels):
        row = {
            "level": level,
            "sparsity": 1 - remaining / 10_000,
            "remaining": remaining,
            "remaining_fraction": remaining / 10_000,
            "train_loss": 0.1,
            "train_acc": 1.0,
            "train_acc_kept": 1.0,
            "memorized": 0.9,
            "recovered": 0.05,
            "test_loss": 1.0,
            "test_acc": float(values[level]),
            "distance": float(20 - 10 * values[level] + rng.normal(0, 0.01)),
            "distance_init": 1.0 + level % 7,
            "distance_start": float(9 - 5 * values[level]),
            "seconds": 1.0,
        }
        if flatness:
            row |= {"hessian_top": float(values[level] * 3), "hessian_top_iterations": 9, "sharpness": float(level + 1)}
        rows.append(row)
        remaining -= math.ceil(0.2 * remaining)
    write_curve(folder / "curve.csv", rows)
    held = {
        "seed_everything": seed,
        "data.dataset": "digits",
        "data.noise_rate": 0.4,
        "model.net.class_path": "sdd.models.MLP",
        "pruning.levels": LEVELS - 1,
        "pruning.sparsities": None,
        "pruning.retrain": "lottery",
        "pruning.masks_from": None,
    } | settings
    write_settings(folder, held)
    if finished:
        (folder / "summary.json").write_text("{}")
    return folder


@pytest.fixture
def runs(tmp_path):
    """Four seeds of a lottery and four of re-initialised networks that are better by a known amount."""
    folders = []
    for seed in range(4):
        folders.append(make_run(tmp_path / f"lottery-s{seed}", seed))
        rng = np.random.default_rng(seed)
        better = accuracy(rng) + np.where(np.arange(LEVELS) == 9, 0.05, 0.0)
        tickets = {"pruning.retrain": "scratch", "pruning.masks_from": str(tmp_path / "lottery-s{seed}")}
        folders.append(make_run(tmp_path / f"tickets-s{seed}", seed, curve=better, flatness=False, **tickets))
    return folders


def test_runs_are_grouped_by_all_but_their_seed(runs):
    groups = group_runs(read_runs(runs).runs)
    assert [len(group.runs) for group in groups] == [4, 4]
    assert [group.label for group in groups] == ["pruning.retrain=lottery", "pruning.retrain=scratch"]
    assert [run.seed for run in groups[0].runs] == [0, 1, 2, 3]
    assert groups[1].reinitialised
    assert not groups[0].reinitialised


def test_a_folder_of_runs_stands_for_them_and_copies_count_once(tmp_path, runs):
    assert len(read_runs([tmp_path]).runs) == 8
    shutil.copytree(runs[0], tmp_path / "copy")
    (group, _) = group_runs(read_runs([tmp_path]).runs)
    assert len(group.runs) == 4
    assert len(group.repeated) == 1


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda run: (run / "settings.json").unlink(), "no settings.json"),
        (lambda run: (run / "settings.json").write_text("{"), "damaged"),
        (lambda run: (run / "settings.json").write_text("[1]"), "damaged"),
        (lambda run: (run / "curve.csv").unlink(), "no curve.csv"),
        (lambda run: (run / "curve.csv").write_text("level,sparsity\n"), "line 1"),
        (lambda run: shutil.rmtree(run), "not there"),
    ],
)
def test_a_folder_that_is_no_run_says_why_in_one_line(tmp_path, damage, word):
    run = make_run(tmp_path / "run", 0)
    damage(run)
    with pytest.raises(UserError, match=word) as caught:
        read_run(run)
    assert "\n" not in str(caught.value)


def test_an_unfinished_run_is_used_and_named(tmp_path, runs):
    make_run(tmp_path / "young", 9, finished=False, levels=6)
    (group, _) = group_runs(read_runs([*runs, tmp_path / "young"]).runs)
    notes = " ".join(analyse_group(group)["notes"])
    assert "young is unfinished, with 6 of its 20 levels" in notes
    block, levels = complete_block(group.runs)
    assert len(block) == 4
    assert levels == list(range(LEVELS))


def test_the_level_table_is_that_of_a_loop(runs):
    group = group_runs(read_runs(runs).runs)[0]
    analysis = analyse_group(group)
    for level in (0, 7, 19):
        values = [run.rows[level]["distance"] for run in group.runs]
        cell = analysis["levels"][level]["distance"]
        mean = sum(values) / 4
        assert cell["mean"] == pytest.approx(mean)
        assert cell["sd"] == pytest.approx(math.sqrt(sum((value - mean) ** 2 for value in values) / 3))
        assert cell["n"] == 4
    assert analysis["intervals"]["double_descent"]
    assert analysis["intervals"]["depth"]["low"] < 0.08 < analysis["intervals"]["depth"]["high"] + 0.01


def test_correlations_are_those_of_scipy_and_leave_bookkeeping_out(runs):
    group = group_runs(read_runs(runs).runs)[0]
    found = analyse_group(group)["correlations"]
    assert list(found) == ["distance", "distance_init", "distance_start", "hessian_top", "sharpness"]
    for name in found:
        for run, seed in zip(group.runs, found[name]["per_seed"], strict=True):
            both = [[row[key] for row in run.rows] for key in ("test_acc", name)]
            assert seed["rho"] == pytest.approx(stats.spearmanr(*both).statistic)
    assert found["hessian_top"]["pooled"]["within"]["estimate"] == pytest.approx(1, abs=0.01)
    assert found["distance"]["pooled"]["within"]["estimate"] < -0.9


def test_pooling_is_not_fooled_by_offsets_between_seeds():
    rng = np.random.default_rng(0)
    x = [rng.normal(size=30) + 100 * seed for seed in range(5)]
    y = [rng.normal(size=30) + 100 * seed for seed in range(5)]
    pooled = pool(x, y)
    assert stats.spearmanr(np.concatenate(x), np.concatenate(y)).statistic > 0.9, "all at once see the offsets"
    assert abs(pooled.within.estimate) < 0.25
    each = [math.atanh(stats.spearmanr(a, b).statistic) for a, b in zip(x, y, strict=True)]
    assert pooled.within.estimate == pytest.approx(math.tanh(sum(each) / 5))


@pytest.fixture
def with_controls(tmp_path, runs):
    """The same, and two seeds of each side under shuffled masks."""
    controls = []
    for seed in range(2):
        for retrain in ("lottery", "scratch"):
            control = {"pruning.retrain": retrain, "pruning.masks_from": str(runs[0]), "pruning.masks_shuffled": True}
            controls.append(make_run(tmp_path / f"control-{retrain}-s{seed}", seed, flatness=False, **control))
    return [*runs, *controls]


def test_shuffled_masks_are_a_control_and_no_re_initialised_tickets(with_controls):
    groups = {group.label: group for group in group_runs(read_runs(with_controls).runs)}
    assert len(groups) == 4
    controls = [group for label, group in groups.items() if "masks_shuffled=true" in label]
    assert [(group.shuffled, group.reinitialised, len(group.runs)) for group in controls] == [(True, False, 2)] * 2
    (reinit,) = [group for group in groups.values() if group.reinitialised]
    partner, _ = find_partner(reinit, list(groups.values()))
    assert [run.name for run in partner.runs] == [f"lottery-s{seed}" for seed in range(4)]
    assert find_partner(reinit, [reinit, *controls])[0] is None


@pytest.mark.slow
def test_an_analysis_says_that_controls_are_not_paired(tmp_path, with_controls, capsys):
    assert main(["analyze", *map(str, with_controls), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.count("under shuffled masks, a control") == 2
    assert len(json.loads((tmp_path / "out" / "analysis.json").read_text())["tickets"]) == 1


def test_tickets_are_paired_with_the_run_of_their_masks_and_the_winner_is_found(runs):
    lottery, reinit = group_runs(read_runs(runs).runs)
    partner, reason = find_partner(reinit, [lottery, reinit])
    assert partner is lottery
    assert reason == ""
    comparison = pair_groups(lottery, reinit)
    assert [pair["lottery"] for pair in comparison["pairs"]] == [f"lottery-s{seed}" for seed in range(4)]
    for level in comparison["levels"]:
        known = 0.05 if level["level"] == 9 else 0.0
        assert level["mean"] == pytest.approx(known, abs=1e-12)
        values = [
            new.rows[level["level"]]["test_acc"] - old.rows[level["level"]]["test_acc"]
            for old, new in zip(lottery.runs, reinit.runs, strict=True)
        ]
        assert level["mean"] == pytest.approx(sum(values) / 4, abs=1e-12)
    assert comparison["levels"][9]["reinit_wins"]


def test_ticket_intervals_cover_the_true_difference():
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(2000):
        interval = t_interval(rng.normal(0.03, 0.02, 5))
        hits += interval.low < 0.03 < interval.high
    assert 0.935 < hits / 2000 < 0.965


def test_holm_is_that_of_a_hand_worked_example():
    assert holm([0.01, 0.04, 0.03, math.nan]).tolist()[:3] == pytest.approx([0.03, 0.06, 0.06])
    assert math.isnan(holm([0.01, math.nan])[1])


def test_loss_curves_are_averaged_over_directions_and_runs(tmp_path):
    path = tmp_path / "loss_curves.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["level", "sparsity", "direction", "alpha", "loss"])
        for direction, losses in enumerate([(1.0, 0.5, 2.0), (3.0, 0.5, 4.0)]):
            for alpha, loss in zip((-1.0, 0.0, 1.0), losses, strict=True):
                writer.writerow([3, 0.488, direction, alpha, loss])
    points = read_loss_curves(path)
    (curve,) = mean_loss_curves([points])
    assert curve.mean.tolist() == [2.0, 0.5, 3.0]
    assert curve.spread.tolist() == pytest.approx([math.sqrt(2), 0, math.sqrt(2)])
    assert nearest_levels([0, 4, 9], [1, 3, 8]) == [1, 3, 8]
    path.write_text("level,sparsity\n")
    with pytest.raises(UserError, match="line 1"):
        read_loss_curves(path)


def test_the_command_prints_writes_and_draws(tmp_path, capsys, runs):
    assert main(["analyze", *map(str, runs), "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert max(map(len, (line for line in shown.out.splitlines() if str(tmp_path) not in line))) <= 100
    for words in (
        "double descent at 95%, 4 seeds: yes",
        "distance",
        "within phases, each seed between its own dense level, trough and peak",
        "turning point of distance: inside the curve in 4 of 4 seeds",
        "from the trough (levels): +0.00 [+0.00, +0.00], 4 seeds",
        "re-initialised networks win at",
        "all pruned levels  +0.3",
        "group-1: pruning.retrain=lottery, 4 runs",
    ):
        assert words in shown.out
    content = json.loads((tmp_path / "out" / "analysis.json").read_text())
    assert len(content["groups"]) == 2
    assert len(content["tickets"]) == 1
    for name in ("group-1-distance", "group-1-flatness", "group-2-distance", "tickets-2"):
        assert (tmp_path / "out" / f"{name}.png").read_bytes()[1:4] == b"PNG"
        assert "<svg" in (tmp_path / "out" / f"{name}.svg").read_text()


def test_the_command_says_what_is_missing_and_what_it_still_does(tmp_path, capsys, runs):
    other = make_run(tmp_path / "mnist", 0, finished=False, levels=4, **{"data.dataset": "mnist"})
    arguments = [str(runs[0]), str(other), str(tmp_path / "nothing"), "--out", str(tmp_path / "out")]
    assert main(["analyze", *arguments]) == 1
    shown = capsys.readouterr()
    assert "nothing is not there" in shown.err
    assert "different data sets (digits, mnist) are analysed apart" in shown.out
    assert "unfinished, with 4 of its 20 levels" in shown.out
    assert "intervals of depth and gain need" in shown.out


def test_without_any_run_the_command_ends_with_one_line(tmp_path, capsys):
    assert main(["analyze", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("sdd: error: there is no run to analyse")
