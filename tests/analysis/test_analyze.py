"""`python -m sdd analyze` where something is amiss, or little is there."""

import json

import pytest

from sdd.__main__ import main
from sdd.analysis.command import analyze
from sdd.errors import UserError
from tests.analysis.test_comparison import make_run


def write_loss_curves(folder, levels, extra=""):
    lines = ["level,sparsity,direction,alpha,loss"]
    lines += [f"{level},0.5,{d},{a},{1 + a * a}" for level in levels for d in (0, 1) for a in (-1.0, 0.0, 1.0)]
    (folder / "loss_curves.csv").write_text("\n".join(lines) + "\n" + extra)


@pytest.mark.slow
def test_loss_curves_are_drawn_at_the_levels_nearest_to_those_wanted(tmp_path, monkeypatch):
    write_loss_curves(make_run(tmp_path / "run", 0), [0, 8, 19])
    drawn = []
    monkeypatch.setattr(
        "sdd.analysis.command.draw_loss_curves",
        lambda curves, path, names: drawn.append(([curve.level for curve in curves], names)) or [],
    )
    assert analyze([str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    assert analyze([str(tmp_path / "run"), "--out", str(tmp_path / "out"), "--levels", "1", "19"]) == 0
    (levels, names), chosen = drawn
    assert levels == [0, 8, 19]
    assert names[0] == "dense"
    assert names[8] in {"trough", "near the trough"}
    assert chosen == ([0, 19], {0: "level 0", 19: "level 19"})


def test_a_damaged_table_of_loss_curves_costs_only_itself(tmp_path, capsys):
    for seed in range(2):
        write_loss_curves(make_run(tmp_path / f"run{seed}", seed), [0, 19], "1,2,x\n" if seed else "")
    assert analyze([str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "run1/loss_curves.csv, line 14: damaged" in shown
    assert (tmp_path / "out" / "group-loss-curves.svg").is_file()
    assert (tmp_path / "out" / "analysis.json").is_file()


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_are_told_what_they_lack(tmp_path, capsys, seeds):
    for seed in range(seeds):
        make_run(tmp_path / f"run{seed}", seed)
    assert analyze([str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "intervals of depth and gain need three or more seeds; single runs" in told
    assert f"of {seeds} seed{'s' * (seeds > 1)}" in told
    content = json.loads((tmp_path / "out" / "analysis.json").read_text())
    assert content["groups"][0]["intervals"]["double_descent"] is None


def test_a_single_level_is_no_reason_to_fail(tmp_path, capsys):
    make_run(tmp_path / "run", 0, levels=1, finished=False)
    assert analyze([str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    assert "unfinished, with 1 of its 20 levels" in capsys.readouterr().out


def test_tickets_without_their_lottery_are_named(tmp_path, capsys):
    make_run(tmp_path / "run", 0, **{"pruning.masks_from": "runs/x", "pruning.retrain": "scratch"})
    assert analyze([str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    assert "cannot be compared with winning tickets: no lottery run" in capsys.readouterr().out


def test_nothing_to_analyse_writes_nothing(tmp_path):
    with pytest.raises(UserError, match="no run to analyse"):
        analyze([str(tmp_path / "no"), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_the_same_command_again_writes_the_same(tmp_path, capsys):
    make_run(tmp_path / "run", 0)
    texts = []
    for _ in range(2):
        assert main(["analyze", str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
        texts.append((capsys.readouterr().out, (tmp_path / "out" / "analysis.json").read_bytes()))
    assert texts[0] == texts[1]
