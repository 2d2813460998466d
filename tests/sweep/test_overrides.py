"""Settings on the command line of a sweep."""

import shlex

import pytest
import yaml

from sdd.__main__ import main
from sdd.errors import UserError
from sdd.sweep.grid import cells_of
from sdd.sweep.overrides import overridden, split_overrides
from tests.sweep.small_sweep import write_sweep


def test_settings_are_told_from_options_in_both_forms():
    rest, found = split_overrides(
        [
            "--workers",
            "2",
            "--pruning.levels",
            "3",
            "F",
            "--seed_everything=[0, 1]",
            "--pruning.exclude",
            "[[fc.weight]]",
        ]
    )
    assert rest == ["--workers", "2", "F"]
    assert found == {"pruning.levels": [3], "seed_everything": [0, 1], "pruning.exclude": [["fc.weight"]]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pruning.levels"], "--pruning.levels has no value"),
        (["--pruning.levels", "--workers", "2"], "--pruning.levels has no value"),
        (["--pruning.levels="], "--pruning.levels has no value"),
        (["--pruning.levels", "1", "--pruning.levels=2"], "given twice"),
        (["--pruning.levels", "[]"], "is an empty list"),
        (["--pruning.levels", "[1"], "which is no YAML value"),
        (["--run_dir", "x"], "--run_dir cannot be set for all runs of a sweep"),
        (["--config=x"], "--config cannot be set for all runs of a sweep"),
    ],
)
def test_what_cannot_be_honoured_is_said(words, said):
    with pytest.raises(UserError, match=said):
        split_overrides(words)


def test_they_take_the_place_of_parameters_nested_ones_too_and_leave_the_rest():
    parameters = {
        "data.noise_rate": {"values": [0.2, 0.4]},
        "pruning": {"parameters": {"levels": {"value": 9}, "fraction": {"values": [0.2, 0.5]}}},
        "model": {"parameters": {"optimizer": {"parameters": {"lr": {"value": 1}}}}},
    }
    before = yaml.safe_dump(parameters)
    changed = overridden(parameters, {"pruning.levels": [3], "model.optimizer.lr": [0.1, 0.2], "data.noise_rate": [0]})
    assert yaml.safe_dump(parameters) == before
    cells = cells_of(changed)
    assert len(cells) == 4
    assert {cell["pruning.levels"] for cell in cells} == {3}
    assert {cell["pruning"]["fraction"] for cell in cells} == {0.2, 0.5}
    assert all("levels" not in cell["pruning"] and "model" not in cell for cell in cells)
    assert overridden(None, {}) is None


def test_the_runs_are_those_of_the_file_with_these_settings_and_named_by_what_varies(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_sweep(tmp_path, {"seed_everything": {"values": [0, 1, 2]}, "data.noise_rate": {"value": 0.4}})
    overrides = ["--seed_everything", "[5, 6]", "--pruning.levels", "1"]
    assert main(["sweep", "small.yaml", "--dry_run", *overrides]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition("# ")[2] for line in lines] == ["new: seed_everything=5", "new: seed_everything=6"]
    for seed, line in zip((5, 6), lines, strict=True):
        words = shlex.split(line, comments=True)
        assert {f"--seed_everything={seed}", "--pruning.levels=1", "--trainer.logger=false"} <= set(words)
    assert main(["sweep", "small.yaml", "--dry_run", "--pruning.levls", "1"]) == 2
    assert "did you mean --pruning.levels?" in capsys.readouterr().err


@pytest.mark.slow
def test_a_logger_that_is_asked_for_gets_the_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_sweep(tmp_path, {"seed_everything": {"values": [0, 1]}})
    asked = ["--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", "logged", "--pruning.levels", "1"]
    assert main(["sweep", "small.yaml", *asked]) == 0, capsys.readouterr()
    tables = sorted((tmp_path / "logged").rglob("metrics.csv"))
    assert len(tables) == 2
    assert all("test_acc" in table.read_text() for table in tables)
