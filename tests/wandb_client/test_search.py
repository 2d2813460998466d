"""A search by W&B's own engine: it finds its objective in every run, and ends runs by it."""

import json

import pytest
import yaml

from tests.small import PROJECT
from tests.wandb_client.arrival import check_arrived
from tests.wandb_client.backend import HISTORY, Backend, Run
from tests.wandb_client.client import DESCENT

FILE = PROJECT / "sweeps" / "digits_bayes.yaml"


def search_of(folder, quick, **changes):
    """Write a small version of the search."""
    content = yaml.safe_load(FILE.read_text()) | changes
    content["command"][-1:-1] = [*DESCENT[2:], *quick]
    path = folder / FILE.name
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def rival(name, sweep, values):
    """A finished run of a search, with a history of `best_test_acc`."""
    run = Run(name, sweep=sweep.name, cell={"data.noise_rate": 0.2, "model.optimizer.lr": 0.1}, state="finished")
    run.streams[HISTORY] = [json.dumps({"best_test_acc": value}) for value in values]
    run.summary = {"best_test_acc": max(values)}
    return run


def test_the_stand_in_ends_what_the_engine_would_end():
    backend = Backend()
    content = yaml.safe_load(FILE.read_text())
    content |= {"metric": {"name": "best_test_acc", "goal": "maximize"}}
    content["early_terminate"] |= {"min_iter": 2, "eta": 2}
    sweep = backend.create_sweep("p", yaml.safe_dump(content))
    backend.create_agent(sweep.name)
    for name, accuracy in {"a": 0.7, "b": 0.8, "good": 0.9, "bad": 0.1}.items():
        backend.runs[name] = rival(name, sweep, [accuracy] * 4)
    for name in ("good", "bad"):
        backend.runs[name].state = "running"
    assert backend.heartbeat("agent0", {"good": True, "bad": True}) == [{"type": "stop", "run_id": "bad"}]
    assert backend.heartbeat("agent0", {"good": True, "bad": True}) == [], "a run is told once"


@pytest.mark.slow
def test_a_search_learns_from_what_its_runs_found(server, machine):
    quick = ["--pruning.levels", "3", "--pruning.epochs_per_level", "5"]
    sweep = machine.sweep(search_of(machine.folder, quick, run_cap=3))
    machine.run_agent(sweep)
    cells = [run.cell for run in server.runs]
    assert len(cells) == len({tuple(cell.values()) for cell in cells}) == 3
    for run in server.runs:
        assert 0.1 <= run.cell["data.noise_rate"] <= 0.6
        assert 0.02 <= run.cell["model.optimizer.lr"] <= 0.3
        assert run.summary["depth"] >= 0, "the objective is there although four levels tell of no trough"
        (folder,) = (path for path in machine.runs.iterdir() if str(run.cell["data.noise_rate"]) in _settings(path))
        check_arrived(run, folder)


@pytest.mark.slow
def test_a_run_that_lags_behind_is_ended_early_and_the_search_goes_on(server, machine):
    """Two finished runs have an accuracy of 1 at every level, so that the engine ends any other at its third one."""
    metric = {"name": "best_test_acc", "goal": "maximize"}
    ends = {"type": "hyperband", "min_iter": 2, "eta": 2}
    quick = ["--pruning.levels", "15", "--pruning.epochs_per_level", "3000"]  # rows are sent every 15 s
    sweep = machine.sweep(search_of(machine.folder, quick, metric=metric, early_terminate=ends, run_cap=3))
    with server.locked() as backend:
        backend.runs |= {name: rival(name, sweep, [1.0] * 16) for name in ("a", "b")}
    printed = machine.run_agent(sweep)
    (run,) = (one for one in server.runs if one.name not in ("a", "b"))
    assert server.backend.stopped_early == {run.name}, printed
    assert (run.state, run.preempting, run.exitcode) == ("failed", False, 130)
    assert 3 <= len(run.levels) < 16
    assert run.summary["best_test_acc"] == max(row["best_test_acc"] for row in run.levels)
    assert run.summary["depth"] == run.levels[-1]["depth"]


def _settings(folder):
    return (folder / "settings.json").read_text()
