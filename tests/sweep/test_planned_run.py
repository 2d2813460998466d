"""Cells as runs: the same folders and settings as plain `fit` gives, whatever the logger."""

import json

import pytest

from sdd.cli.parse import plan
from sdd.sweep.planned_run import Invalid, PlannedRun, Repeated, plan_runs
from sdd.sweep.sweep_file import read_sweep
from tests.small import QUICK
from tests.sweep.small_sweep import write_sweep


def planned(folder, parameters, *extra):
    return list(plan_runs(read_sweep(write_sweep(folder, parameters, *extra)).cells, folder / "runs"))


def test_a_cell_is_the_run_that_fit_makes_of_its_command(tmp_path):
    (run,) = planned(tmp_path, {"data.noise_rate": {"value": 0.2}, "seed_everything": {"values": [3]}})
    fit = plan([*QUICK, "--data.noise_rate", "0.2", "--seed_everything", "3"])
    assert isinstance(run, PlannedRun)
    assert run.path == fit.run_dir(tmp_path / "runs")
    assert run.settings == fit.settings
    assert run.label == "noise_rate=0.2,seed_everything=3"
    assert run.levels == 4


def test_what_the_sweep_adds_turns_loggers_off_and_is_no_setting(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    extra = ["--trainer.logger.project", "p", "--trainer.logger.offline", "true", "--run_dir", "elsewhere"]
    (run,) = planned(tmp_path, {"seed_everything": {"value": 0}}, *extra)
    assert plan(list(run.arguments)).settings == run.settings == plan([*QUICK]).settings
    added = run.arguments[-5:]
    folder = plan([*QUICK]).run_dir().name
    assert added[:4] == ("--trainer.logger=false", f"--run_dir=runs/{folder}", "--progress.show=none", "--wait=true")
    assert added[4] == f"--progress.heartbeat=runs/.heartbeats/{folder}"


def test_invalid_and_repeated_cells_are_told_and_the_others_planned(tmp_path):
    cells = planned(tmp_path, {"data.noise_rate": {"values": [0.2, 2, "0.20", 0.4]}})
    assert [type(cell) for cell in cells] == [PlannedRun, Invalid, Repeated, PlannedRun]
    assert cells[1].label == "noise_rate=2"
    assert "noise rate 2.0 is outside [0, 1]" in cells[1].reason
    assert cells[2] == Repeated("noise_rate=0.20", of="noise_rate=0.2")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"data.nose_rate": {"value": 0.2}}, "data.nose_rate"),
        ({"config": {"value": "nowhere.yaml"}}, "nowhere.yaml"),
        ({"seed_everything": {"value": "zero"}}, "seed_everything"),
        ({"pruning.levels": {"value": -1}}, "levels"),
    ],
)
def test_invalid_cells_have_a_reason_of_one_line(tmp_path, parameters, said):
    (cell,) = planned(tmp_path, parameters)
    assert isinstance(cell, Invalid)
    assert said in cell.reason
    assert "\n" not in cell.reason


def test_one_run_per_sparsity_has_two_levels(tmp_path):
    grid = {"pruning.sparsities": {"values": [[0.5], [0.5, 0.9]]}}
    assert [run.levels for run in planned(tmp_path, grid)] == [2, 3]


def test_levels_are_counted_from_the_curve_and_the_verdict_from_the_summary(tmp_path):
    (run,) = planned(tmp_path, {"seed_everything": {"value": 0}})
    assert (run.state(), run.levels_done()) == ("new", 0)
    run.path.mkdir(parents=True)
    (run.path / "settings.json").write_text(json.dumps(run.settings.content()))
    (run.path / "config.yaml").write_text("")
    assert (run.state(), run.levels_done()) == ("started", 0)
    (run.path / "curve.csv").write_text("level\n0\n1\n")
    assert (run.state(), run.levels_done()) == ("unfinished", 2)
    (run.path / "curve.csv").write_text("level\n0\n1\n2\n3\n")
    (run.path / "summary.json").write_text(json.dumps({"double_descent": True, "depth": 0.0791, "gain": 0.176}))
    assert run.state() == "finished"
    assert run.verdict() == "double descent: depth 7.9 points, gain +17.6 points"
    for verdict, words in ((False, "no double descent"), (None, "double descent not decided")):
        (run.path / "summary.json").write_text(json.dumps({"double_descent": verdict}))
        assert run.verdict() == words
    (run.path / "summary.json").write_text("{")
    assert run.state() == "damaged"
    assert "summary.json is damaged: " in run.verdict()
    with (run.path / "curve.csv").open("wb") as file:
        file.truncate(2**29)  # more than is read
    assert run.levels_done() == 0
