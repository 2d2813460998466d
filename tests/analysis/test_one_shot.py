"""Runs of one sparsity each, joined to one curve."""

import json
import shutil

import pytest

from sdd.analysis.command import analyze
from sdd.analysis.curve import read_curve, write_curve
from sdd.analysis.grouping import group_runs
from sdd.analysis.one_shot import join_one_shot, part_levels
from sdd.analysis.reading import read_runs
from tests.analysis.test_analyze import write_loss_curves
from tests.analysis.test_comparison import make_run

SHARES = [0.2, 0.5, 0.8, 0.9, 0.97, 0.99]


def make_part(folder, seed, share, *, finished=True, dense=0.7, **settings):
    """Write a run that prunes the dense network of a seed once; what it measures is made up from its sparsity."""
    folder = folder / f"digits-s{seed}-{int(share * 1e4):08x}"
    settings = {"pruning.sparsities": [share], "pruning.levels": 34, "pruning.fraction": 0.2} | settings
    make_run(folder, seed, levels=2, curve=[dense + seed / 1000, share / 2], finished=finished, **settings)
    rows = read_curve(folder / "curve.csv")
    rows[0]["seconds"] = share  # a run of its own, taking its own time
    rows[1]["sparsity"] = share
    write_curve(folder / "curve.csv", rows if finished else rows[:1])
    return folder


def joined(folder):
    return join_one_shot(read_runs([folder]).runs)


def test_a_seed_becomes_one_curve_with_its_dense_level_once(tmp_path):
    for share in reversed(SHARES):
        make_part(tmp_path, 0, share)
    (curve,) = joined(tmp_path)
    assert [row["level"] for row in curve.rows] == list(range(7))
    assert [row["sparsity"] for row in curve.rows] == [0.0, *SHARES]
    assert [row["test_acc"] for row in curve.rows] == [0.7, *(share / 2 for share in SHARES)]
    for part, row in zip(curve.parts, curve.rows[1:], strict=True):
        assert row == read_curve(part.path / "curve.csv")[1] | {"level": row["level"]}
    assert (curve.finished, curve.problem, curve.seed) == (True, None, 0)
    assert curve.settings["pruning.sparsities"] == "one-shot"
    assert curve.settings["pruning.levels"] == 34
    assert curve.name.startswith("digits-s0-one-shot-")
    assert not curve.path.exists()


def test_seeds_are_one_group_and_a_level_is_one_sparsity_in_all_of_them(tmp_path):
    for seed, lacking in ((0, None), (1, 0.5), (2, 0.97)):
        for share in SHARES:
            if share != lacking:
                make_part(tmp_path, seed, share)
    (group,) = group_runs(joined(tmp_path))
    assert [run.seed for run in group.runs] == [0, 1, 2]
    by_level = [{row["level"]: row["sparsity"] for row in run.rows} for run in group.runs]
    assert by_level[0] == dict(enumerate([0.0, *SHARES]))
    assert by_level[1] == {level: share for level, share in by_level[0].items() if share != 0.5}
    assert by_level[2] == {level: share for level, share in by_level[0].items() if share != 0.97}
    assert [run.finished for run in group.runs] == [True, False, False]
    assert group.runs[1].problem == "unfinished, with 5 of its 6 sparsities: it lacks 0.5 (no run)"


def test_a_seed_that_has_one_sparsity_so_far_belongs_to_its_group(tmp_path):
    make_part(tmp_path, 0, 0.5)
    make_part(tmp_path, 0, 0.9)
    make_part(tmp_path, 1, 0.9)
    (group,) = group_runs(joined(tmp_path))
    assert [[row["level"] for row in run.rows] for run in group.runs] == [[0, 1, 2], [0, 2]]


def test_what_an_unfinished_part_lacks_is_named(tmp_path):
    make_part(tmp_path, 0, 0.2)
    make_part(tmp_path, 0, 0.5, finished=False)
    ended = make_part(tmp_path, 0, 0.8)
    (ended / "summary.json").unlink()
    (curve,) = joined(tmp_path)
    assert [row["sparsity"] for row in curve.rows] == [0.0, 0.2, 0.8]
    assert [row["level"] for row in curve.rows] == [0, 1, 3]
    assert not curve.finished
    assert curve.problem == (
        "unfinished, with 2 of its 3 sparsities: it lacks 0.5 (digits-s0-00001388 is unfinished, with 1 of its 2 "
        "levels); unfinished: digits-s0-00001f40 is unfinished, with 2 of its 2 levels"
    )


def test_runs_from_different_dense_networks_are_not_joined_silently(tmp_path):
    for share in (0.2, 0.5, 0.8):
        make_part(tmp_path, 0, share)
    last_bit = 0.7 + 2**-53
    assert last_bit != 0.7
    other = make_part(tmp_path, 0, 0.9, dense=last_bit)
    (group,) = group_runs(joined(tmp_path))
    (curve,) = group.runs
    assert [row["sparsity"] for row in curve.rows] == [0.0, 0.2, 0.5, 0.8]
    assert not curve.finished
    assert f"not joined with {other.name} of the same seed, whose dense network is another" in curve.problem
    assert f"test_acc is 0.7 here and {last_bit} there" in curve.problem
    assert [[part.path for part in run.parts] for run in group.repeated] == [[other]]


def test_a_copied_sweep_is_a_copy_of_the_curve(tmp_path):
    for share in SHARES:
        make_part(tmp_path / "a", 0, share)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    curves = join_one_shot(read_runs([tmp_path / "a", tmp_path / "b"]).runs)
    (group,) = group_runs(curves)
    assert len(group.runs) == len(group.repeated) == 1
    assert group.runs[0].rows == group.repeated[0].rows
    assert len({run.path for run in curves}) == 2
    assert {part.path for run in curves for part in run.parts} == {
        part for name in "ab" for part in (tmp_path / name).iterdir()
    }


def test_the_run_of_the_dense_network_is_a_part_where_it_is_the_same_network(tmp_path):
    for share in SHARES:
        make_part(tmp_path, 0, share, **{"pruning.scope": "layer"})
    for name, dense in (("dense", 0.7), ("other", 0.71)):
        make_run(tmp_path / name, 0, levels=1, curve=[dense], **{"pruning.levels": 0})
    curve, other = joined(tmp_path)
    assert curve.parts[0].name == "dense"
    assert len(curve.rows) == 7
    assert other.name == "other"


@pytest.mark.parametrize("settings", [{"data.noise_rate": 0.2}, {"pruning.criterion": "random"}, {"seed": 1}])
def test_runs_that_differ_otherwise_stay_as_they_are(tmp_path, settings):
    make_part(tmp_path / "a", 0, 0.5)
    make_part(tmp_path / "b", settings.pop("seed", 0), 0.9, **settings)
    make_run(tmp_path / "c" / "list", 0, levels=3, **{"pruning.sparsities": [0.5, 0.9]})
    runs = list(read_runs([tmp_path / name for name in "abc"]).runs)
    assert join_one_shot(runs) == runs


def test_joined_curves_stand_in_the_place_of_their_first_part(tmp_path):
    paths = [
        make_part(tmp_path, 1, 0.5),
        make_run(tmp_path / "x", 0),
        make_part(tmp_path, 0, 0.5),
        make_part(tmp_path, 1, 0.9),
        make_part(tmp_path, 0, 0.9),
        make_run(tmp_path / "y", 3),
    ]
    assert [(run.seed, len(run.parts)) for run in join_one_shot(read_runs(paths).runs)] == [
        (1, 2),
        (0, 0),
        (0, 2),
        (3, 0),
    ]


def test_the_name_of_a_curve_stays_while_runs_are_added(tmp_path):
    names = []
    for share in reversed(SHARES):
        make_part(tmp_path, 0, share)
        names.append(joined(tmp_path)[0].name)
    assert len(set(names[1:])) == 1


def test_analyze_speaks_of_the_joined_curves_and_draws_their_loss_curves(tmp_path, capsys, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "sdd.analysis.command.draw_loss_curves",
        lambda curves, path, names: drawn.append({c.level: (c.sparsity, c.directions) for c in curves}) or [],
    )
    for seed in range(3):
        for share in SHARES:
            folder = make_part(tmp_path / "runs", seed, share)
            lines = ["level,sparsity,direction,alpha,loss"]
            lines += [f"{level},{s},0,{a},{1 + a}" for level, s in ((0, 0.0), (1, share)) for a in (-1.0, 0.0, 1.0)]
            (folder / "loss_curves.csv").write_text("\n".join(lines) + "\n")
    assert analyze([str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--levels", *"0123456"]) == 0
    shown = capsys.readouterr().out
    assert "3 runs" in shown
    content = json.loads((tmp_path / "out" / "analysis.json").read_text())
    (group,) = content["groups"]
    assert [line["sparsity"] for line in group["levels"]] == pytest.approx([0.0, *SHARES])
    assert [line["n"] for line in group["levels"]] == [3] * 7
    assert group["levels"][6]["test_acc"]["mean"] == pytest.approx(0.495)
    # Each of three seeds gives one direction a level, the dense level included.
    assert drawn == [{level: (share, 3) for level, share in enumerate([0.0, *SHARES])}]


def test_a_damaged_table_of_a_part_costs_no_other_part(tmp_path, capsys):
    for share in SHARES:
        write_loss_curves(make_part(tmp_path / "runs", 0, share), [0, 1], "x\n" if share == 0.5 else "")
    assert analyze([str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    assert "loss_curves.csv, line 14: damaged" in capsys.readouterr().out
    assert (tmp_path / "out" / "group-loss-curves.svg").is_file()


def test_levels_of_parts(tmp_path):
    for share in (0.2, 0.5):
        make_part(tmp_path, 0, share)
    make_part(tmp_path, 0, 0.8, finished=False)
    whole = make_run(tmp_path / "whole", 0, levels=3)
    curve, run = joined(tmp_path)
    assert [levels for _, levels in part_levels(curve)] == [{1: 1, 0: 0}, {1: 2}, {}]
    assert [(part.path, levels) for part, levels in part_levels(run)] == [(whole, {0: 0, 1: 1, 2: 2})]
