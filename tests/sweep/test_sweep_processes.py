"""Sweeps as processes: what fails, what stops them, what they leave, and how they go on."""

import os
import signal
import uuid
from pathlib import Path

import pytest

from sdd.processes import can_fork
from sdd.sweep.guarded_fit import GRACE_SECONDS
from tests.small import curve_without_seconds
from tests.sweep.small_sweep import (
    LONGER,
    fits,
    kill_all,
    parent,
    processes,
    run_sweep,
    start_sweep,
    undisturbed,
    wait_until,
    write_sweep,
)

SEEDS = {"seed_everything": {"values": [0, 1]}}


@pytest.fixture
def mark():
    """Marks the processes of a test; what is left of them is ended."""
    name = uuid.uuid4().hex
    yield name
    kill_all(name)


def curves(folder):
    """Return the curves in a folder of runs by seed."""
    found = {int(path.name.split("-s")[1][0]): path for path in folder.glob("digits*-s*")}
    return {seed: curve_without_seconds(path) for seed, path in found.items()}


def levels_begun(folder, count):
    """Tell whether so many runs have a first level."""
    return len(list(folder.glob("digits*/curve.csv"))) >= count


def is_asked_to_end(process):
    """Tell whether SIGTERM waits for a process that is stopped."""
    (pending,) = (
        line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("ShdPnd")
    )
    return int(pending.split()[1], 16) >> (signal.SIGTERM - 1) & 1


@pytest.mark.slow
def test_failing_cells_do_not_stop_the_others(tmp_path):
    grid = {"data.noise_rate": {"values": [0.2, 2]}, "model.optimizer.lr": {"values": [0.1, "1e30"]}}
    write_sweep(tmp_path, grid)
    status, out, err = run_sweep("small.yaml", "--workers", "2", cwd=tmp_path)
    assert status == 1, err
    tail = out[out.index("\n4 runs") :].splitlines()[1:]
    assert tail[0] == "4 runs: 1 finished, 1 failed, 2 invalid"
    assert tail[1].startswith("  invalid  noise_rate=2,lr=0.1: noise rate 2.0 is outside")
    assert tail[3].startswith("  failed   noise_rate=0.2,lr=1e30: training diverged at level 0, in epoch 0")
    assert len(list((tmp_path / "runs" / "small").glob("*/summary.json"))) == 1
    assert out.index("invalid   noise_rate=2") < out.index("start     noise_rate=0.2")


@pytest.mark.slow
def test_a_stopped_sweep_leaves_no_process_and_ends_as_if_undisturbed(tmp_path, mark):
    write_sweep(tmp_path, SEEDS, *LONGER)
    folder = tmp_path / "runs" / "small"
    sweep = start_sweep("small.yaml", "--workers", "2", cwd=tmp_path, mark=mark)
    wait_until(lambda: levels_begun(folder, 2), "level of both runs")
    assert len(fits(mark, sweep)) == 2
    sweep.send_signal(signal.SIGINT)
    _, err = sweep.communicate(timeout=15)
    assert sweep.returncode == 130
    assert err.splitlines()[-1].startswith("sdd: sweep stopped by SIGINT, 0 of 2 runs finished")
    assert processes(mark) == {}
    assert list(folder.glob("*/summary.json")) == []
    assert len(list(folder.glob("*/checkpoints/*.ckpt"))) >= 2
    status, out, err = run_sweep("small.yaml", "--workers", "2", cwd=tmp_path)
    assert status == 0, err
    assert out.count("resume  ") == 2
    assert curves(folder) == {seed: undisturbed(tmp_path, seed, *LONGER) for seed in (0, 1)}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_stop_it_as_well(tmp_path, mark, number):
    write_sweep(tmp_path, {"seed_everything": {"value": 0}}, *LONGER)
    sweep = start_sweep("small.yaml", cwd=tmp_path, mark=mark)
    wait_until(lambda: levels_begun(tmp_path / "runs" / "small", 1), "level")
    (fit,) = fits(mark, sweep)
    assert (parent(fit) == sweep.pid) is not can_fork()
    sweep.send_signal(number)
    _, err = sweep.communicate(timeout=15)
    assert sweep.returncode == 128 + number
    assert f"sweep stopped by {number.name}, 0 of 1 run finished" in err
    assert processes(mark) == {}


@pytest.mark.slow
def test_a_second_signal_kills_at_once(tmp_path, mark):
    write_sweep(tmp_path, {"seed_everything": {"value": 0}}, *LONGER)
    sweep = start_sweep("small.yaml", cwd=tmp_path, mark=mark)
    wait_until(lambda: levels_begun(tmp_path / "runs" / "small", 1), "level")
    (fit,) = fits(mark, sweep)
    os.kill(fit, signal.SIGSTOP)  # it cannot answer
    sweep.send_signal(signal.SIGINT)
    wait_until(lambda: is_asked_to_end(fit), "first signal")
    sweep.send_signal(signal.SIGINT)
    wait_until(lambda: fit not in processes(mark), "end of the run", GRACE_SECONDS / 2)
    sweep.communicate(timeout=20)
    assert sweep.returncode == 130
    assert processes(mark) == {}


@pytest.mark.slow
def test_a_run_that_does_not_answer_is_killed_after_a_while(tmp_path, mark):
    write_sweep(tmp_path, {"seed_everything": {"value": 0}}, *LONGER)
    sweep = start_sweep("small.yaml", cwd=tmp_path, mark=mark)
    wait_until(lambda: levels_begun(tmp_path / "runs" / "small", 1), "level")
    (fit,) = fits(mark, sweep)
    os.kill(fit, signal.SIGSTOP)
    sweep.send_signal(signal.SIGTERM)
    sweep.communicate(timeout=20)
    assert sweep.returncode == 143
    assert processes(mark) == {}


@pytest.mark.slow
def test_a_signal_while_cells_are_planned_starts_nothing(tmp_path, mark):
    write_sweep(tmp_path, {"seed_everything": {"values": list(range(200))}})
    sweep = start_sweep("small.yaml", cwd=tmp_path, mark=mark)
    assert "200 cells" in sweep.stderr.readline()
    sweep.send_signal(signal.SIGTERM)
    out, err = sweep.communicate(timeout=30)  # it may be importing what parses the first cell
    assert sweep.returncode == 143
    assert err.endswith("sdd: sweep stopped by SIGTERM before it started a run; the same command begins again\n")
    assert out == ""
    assert list((tmp_path / "runs" / "small").glob("[!.]*")) == [], "the plans alone are kept"


@pytest.mark.slow
def test_runs_end_with_a_sweep_that_is_killed_and_the_next_one_goes_on(tmp_path, mark):
    write_sweep(tmp_path, {"seed_everything": {"value": 0}}, *LONGER)
    folder = tmp_path / "runs" / "small"
    sweep = start_sweep("small.yaml", cwd=tmp_path, mark=mark)
    wait_until(lambda: levels_begun(folder, 1), "level")
    sweep.kill()
    sweep.communicate()
    wait_until(lambda: not processes(mark), "end of the run", seconds=15)
    assert list(folder.glob("*/summary.json")) == []
    status, _, err = run_sweep("small.yaml", cwd=tmp_path)
    assert status == 0, err
    assert curves(folder) == {0: undisturbed(tmp_path, 0, *LONGER)}


@pytest.mark.slow
def test_the_dense_run_that_a_run_is_training_is_stopped_with_it(tmp_path, mark):
    one_shot = ["--pruning.dense_from", "auto", "--pruning.sparsities", "[0.9]", "--pruning.epochs_per_level", "4000"]
    one_shot += ["--checkpoint.every_n_epochs", "20"]
    write_sweep(tmp_path, {"seed_everything": {"value": 0}}, *one_shot)
    sweep = start_sweep("small.yaml", cwd=tmp_path, mark=mark)
    wait_until(lambda: list(tmp_path.glob("runs/small/*-dense-*/checkpoints/*.ckpt")), "dense run")
    two = fits(mark, sweep)
    assert len(two) == 2
    assert (len(set(map(parent, two))) == 1) is can_fork()  # the server's; else the one is the other's
    sweep.send_signal(signal.SIGTERM)
    sweep.communicate(timeout=15)
    assert sweep.returncode == 143
    assert processes(mark) == {}


@pytest.mark.slow
def test_two_sweeps_of_one_file_divide_the_runs_among_them(tmp_path, mark):
    write_sweep(tmp_path, {"seed_everything": {"values": [0, 1, 2]}}, *LONGER)  # than one waits for the other's plans
    sweeps = [start_sweep("small.yaml", cwd=tmp_path, mark=mark) for _ in range(2)]
    outs = []
    for sweep in sweeps:
        out, err = sweep.communicate(timeout=170)
        assert sweep.returncode == 0, err
        outs.append(out)
    finished = [sum(line.startswith("finished") for line in out.splitlines()) for out in outs]
    assert sum(finished) == 3
    assert min(finished) >= 1
    logs = list((tmp_path / "runs" / "small" / "logs").iterdir())
    assert [log.read_text().count("$ ") for log in logs] == [1, 1, 1]
