"""`python -m sdd sweep`: its options, what it lists, and a run of it."""

import os
import shlex
import sys

import pytest

from sdd.__main__ import main
from sdd.analysis.reading import read_runs
from tests.small import curve_without_seconds
from tests.sweep.small_sweep import undisturbed, write_sweep


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workers", "0"], "--workers is 0; it must be at least 1"),
        (["--workers", "two"], "invalid int value: 'two'"),
        (["--gpus_per_run", "1"], "--gpus_per_run is for Ray"),
        (["--cpus_per_run", "1"], "--cpus_per_run is for Ray"),
        (["--ray", "--workers", "2"], "--workers is for this machine alone"),
        (["--ray", "--gpus_per_run", "-1"], "--gpus_per_run is -1.0; it must be a number from 0"),
        (["--ray", "--cpus_per_run", "inf"], "--cpus_per_run is inf; it must be a number from 0"),
        (["--shard", "1"], "--shard is not an option"),
    ],
)
def test_bad_options_are_one_line(here, capsys, options, said):
    write_sweep(here, {"seed_everything": {"value": 0}})
    assert main(["sweep", "small.yaml", *options]) == 2
    line = capsys.readouterr().err
    assert line.startswith("sdd: error: ")
    assert line.count("\n") == 1
    assert said in line


def test_a_bad_file_is_one_line(here, capsys):
    assert main(["sweep", "nowhere.yaml"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("sdd: error: there is no sweep 'nowhere.yaml'")
    assert shown.count("\n") == 1


@pytest.mark.parametrize("options", [[], ["--dry_run"]])
def test_what_is_wrong_with_every_cell_is_said_once(here, capsys, options):
    write_sweep(here, {"seed_everything": {"values": [0, 1]}})
    assert main(["sweep", "small.yaml", "--pruning.level", "3", *options]) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line == (
        "sdd: error: none of the 2 cells is valid: --pruning.level is not a setting; did you mean --pruning.levels?"
    )


def test_a_reader_that_has_gone_ends_it_without_a_word(here, capsys, monkeypatch):
    write_sweep(here, {"seed_everything": {"values": [0, 1]}})
    reading, writing = os.pipe()
    os.close(reading)  # as `| head` does once it has its lines
    with os.fdopen(writing, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert main(["sweep", "small.yaml", "--dry_run"]) == 141
    assert "Traceback" not in capsys.readouterr().err


def test_a_pipe_of_something_else_that_breaks_is_no_reader_that_has_gone(monkeypatch):
    def broken(arguments):
        raise BrokenPipeError

    monkeypatch.setattr("sdd.bench.command.bench", broken)
    with pytest.raises(BrokenPipeError):
        main(["bench"])


def test_without_ray_installed_the_extra_is_named(here, capsys, monkeypatch):
    write_sweep(here, {"seed_everything": {"value": 0}})
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["sweep", "small.yaml", "--ray"]) == 2
    assert "pip install 'sdd[ray]'" in capsys.readouterr().err


def test_dry_run_lists_the_commands_and_starts_nothing(here, capsys):
    write_sweep(here, {"model.net.widths": {"values": [[20], [10, 10]]}, "data.noise_rate": {"values": [0.2, 2]}})
    assert main(["sweep", "small.yaml", "--dry_run", "--runs", "my runs"]) == 1
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert [line.startswith("# ") for line in lines] == [False, False, True, True]
    words = shlex.split(lines[1], comments=True)
    assert words[:4] == [sys.executable, "-m", "sdd", "fit"]
    assert words[-7:-5] == ["--data.noise_rate=0.2", "--model.net.widths=[10, 10]"]
    assert words[-5] == "--trainer.logger=false"
    assert words[-4].startswith("--run_dir=my runs/digits_mlp-s0-")
    assert lines[1].endswith("# new: noise_rate=0.2,widths=10,10")
    assert "invalid: noise_rate=2,widths=20: noise rate 2.0 is outside [0, 1]" in lines[2]
    assert [path.name for path in here.iterdir()] == ["small.yaml"]


@pytest.mark.slow
def test_a_run_of_a_sweep_is_the_run_of_its_command(here, capsys):
    write_sweep(here, {"seed_everything": {"value": 3}})
    assert main(["sweep", "small.yaml"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[:2]] == ["start", "finished"]
    assert out.endswith("1 run: 1 finished\n  python -m sdd report runs/small\n  python -m sdd analyze runs/small\n")
    (run,) = read_runs([here / "runs" / "small"]).runs
    assert run.finished
    assert curve_without_seconds(run.path) == undisturbed(here, 3)
    log = here / "runs" / "small" / "logs" / f"{run.name}.log"
    assert log.read_text().startswith(f"$ {sys.executable} -m sdd fit --config ")
    assert "test_acc" in log.read_text()

    again = log.read_text(), (run.path / "summary.json").stat().st_mtime_ns
    assert main(["sweep", "small.yaml"]) == 0
    assert "skipped   seed_everything=3" in capsys.readouterr().out
    assert again == (log.read_text(), (run.path / "summary.json").stat().st_mtime_ns)
    assert main(["sweep", "small.yaml", "--dry_run"]) == 0
    assert capsys.readouterr().out.endswith("# finished: seed_everything=3\n")


@pytest.mark.slow
def test_a_command_that_does_not_train_has_failed(here, capsys):
    write_sweep(here, {"seed_everything": {"value": 0}}, "--data.train_size", "100000")
    assert main(["sweep", "small.yaml"]) == 1
    out = capsys.readouterr().out
    assert "1 run: 1 failed" in out
    (log,) = (here / "runs" / "small" / "logs").iterdir()
    reason = next(line for line in log.read_text().splitlines() if line.startswith("sdd: error: "))
    assert f"  failed   seed_everything=0: {reason.removeprefix('sdd: error: ')}\n" in out
    assert f"see runs/small/logs/{log.name}" in out
