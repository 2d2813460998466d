"""Agents that share a sweep, are killed, or give back their run: no run is done twice, and each ends as undisturbed."""

import json
import os
import signal

import pytest
import yaml

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from tests.small import PROJECT, curve_without_seconds
from tests.wandb_client.arrival import check_arrived, folder_of
from tests.wandb_client.client import DESCENT, small_sweep, wait_for

FILE = PROJECT / "sweeps" / "digits_noise_rates.yaml"


LEVELS = 7
EPOCHS = 600  # of a millisecond or more each: no processor ends a run before it is stopped


def sweep_of(machine, rates, seeds, levels=LEVELS, epochs=EPOCHS):
    """A sweep whose runs take two thirds of a second a level, or more."""
    values = {"data.noise_rate": rates, "seed_everything": seeds}
    quick = [*DESCENT[2:], "--pruning.levels", str(levels), "--pruning.epochs_per_level", str(epochs)]
    return machine.sweep(small_sweep(FILE, machine.folder, quick, values))


def undisturbed(run, folder):
    """The curve of the same run without W&B and without interruption."""
    cell = [f"--{name}={value}" for name, value in run.cell.items()]
    config = str(PROJECT / "configs" / "digits_mlp.yaml")
    quick = [*DESCENT[2:], "--pruning.levels", str(LEVELS), "--pruning.epochs_per_level", str(EPOCHS)]
    quick += ["--run_dir", str(folder)]
    assert main(["fit", "--config", config, *quick, *cell]) == 0
    return curve_without_seconds(folder)


def levels_done(machine):
    """How many rows the run on a machine has."""
    return sum(len(read_curve(path)) for path in machine.runs.glob("*/curve.csv"))


@pytest.mark.slow
def test_two_agents_share_a_sweep(server, new_machine):
    first, second = new_machine("first"), new_machine("second")
    sweep = sweep_of(first, [0.0, 0.4], [0, 1], levels=2)
    agents = [first.start_agent(sweep), second.start_agent(sweep)]
    assert [agent.wait(200) for agent in agents] == [0, 0]
    assert {kind for _, kind, _ in server.backend.handed_out} == {"run"}
    assert {agent for agent, _, _ in server.backend.handed_out} == {"agent0", "agent1"}
    assert [run.cell for run in server.runs] == sweep.cells
    folders = [*first.runs.iterdir(), *second.runs.iterdir()]
    assert len(folders) == len({folder.name for folder in folders}) == 4
    for run in server.runs:
        at = first if any(run.cell == cell for cell in _cells_at(first)) else second
        check_arrived(run, folder_of(run, at.runs))
        assert run.starts == 1


@pytest.mark.slow
def test_a_pre_empted_run_is_handed_out_again_and_goes_on(server, machine, tmp_path):
    """SIGUSR1 as a cluster sends it, to the agent, which passes it on, and SIGTERM to end the agent."""
    sweep = sweep_of(machine, [0.0], [3])
    agent = machine.start_agent(sweep, "--forward-signals")
    wait_for(lambda: levels_done(machine) >= 2, "two levels")
    agent.send_signal(signal.SIGUSR1)
    agent.send_signal(signal.SIGTERM)
    agent.wait(60)
    assert levels_done(machine) <= LEVELS, "it was stopped in the middle"
    (run,) = server.runs
    before = run.display_name, run.group, run.tags
    assert (run.state, run.preempting, run.exitcode) == ("preempted", True, 130)

    printed = machine.run_agent(sweep)
    assert [kind for _, kind, _ in server.backend.handed_out] == ["run", "resume"]
    assert "going on from" in printed
    folder = folder_of(run, machine.runs)
    assert len(list(machine.runs.iterdir())) == 1
    assert (run.display_name, run.group, run.tags) == before
    check_arrived(run, folder)
    assert curve_without_seconds(folder) == undisturbed(run, tmp_path / "undisturbed")


@pytest.mark.slow
def test_a_run_that_is_stopped_on_the_page_ends_and_is_not_handed_out_again(server, machine):
    """The agent sends it SIGTERM, as it does on early termination, and goes on with the next cell."""
    sweep = sweep_of(machine, [0.0], [3, 4], epochs=1200)  # the agent hears of it every few seconds
    agent = machine.start_agent(sweep)
    wait_for(lambda: levels_done(machine) >= 2, "two levels")
    with server.locked() as backend:
        backend.stopping.add("run00000")
    assert agent.wait(100) == 0
    stopped, done = server.runs
    assert (stopped.state, stopped.preempting, stopped.exitcode) == ("failed", False, 130)
    assert [(kind, run) for _, kind, run in server.backend.handed_out] == [("run", "run00000"), ("run", "run00001")]
    assert len(stopped.levels) <= LEVELS
    check_arrived(done, folder_of(done, machine.runs))


@pytest.mark.slow
def test_a_run_that_is_pre_empted_while_its_dense_network_is_trained_is_handed_out_again(server, machine):
    values = {"pruning.sparsities": [[0.5]], "seed_everything": [3]}
    # An epoch of the dense network is some milliseconds.
    slow = [*DESCENT[2:6], "--model.net.widths", "[200]", "--pruning.epochs_per_level", "3000"]
    slow += ["--checkpoint.every_n_epochs", "50", "--progress.show", "none"]
    sweep = machine.sweep(small_sweep(PROJECT / "sweeps" / "digits_sparsities.yaml", machine.folder, slow, values))
    agent = machine.start_agent(sweep, "--forward-signals")
    wait_for(lambda: list(machine.runs.glob("*-dense-*/checkpoints/epoch-*")), "a checkpoint of the dense network")
    agent.send_signal(signal.SIGUSR1)
    agent.send_signal(signal.SIGTERM)
    agent.wait(60)
    (run,) = server.runs
    assert (run.state, run.preempting, run.exitcode) == ("preempted", True, 130)

    machine.run_agent(sweep)
    assert [kind for _, kind, _ in server.backend.handed_out] == ["run", "resume"]
    check_arrived(run, folder_of(run, machine.runs))


@pytest.mark.slow
def test_an_agent_that_was_killed_with_its_run_ends_with_the_same_results(server, machine, tmp_path):
    """W&B does not hand out a crashed run again; a user deletes it, and the cell gets a new run."""
    sweep = sweep_of(machine, [0.4], [3])
    machine.start_agent(sweep)
    wait_for(lambda: levels_done(machine) >= 2, "two levels")
    machine.switch_off()
    assert levels_done(machine) <= LEVELS, "it was killed in the middle"
    with server.locked() as backend:
        backend.lose("run00000")
        assert backend.runs["run00000"].state == "crashed"
        backend.delete("run00000")

    printed = machine.run_agent(sweep)
    assert "going on from" in printed
    (run,) = (run for run in server.runs if run.state == "finished")
    folder = folder_of(run, machine.runs)
    check_arrived(run, folder)
    assert curve_without_seconds(folder) == undisturbed(run, tmp_path / "undisturbed")


@pytest.mark.slow
def test_a_run_outlives_its_agent_and_is_not_done_again(server, machine):
    """The agent alone is killed; its run is a process group of its own."""
    sweep = sweep_of(machine, [0.4], [3, 4])
    agent = machine.start_agent(sweep)
    wait_for(lambda: levels_done(machine) >= 2, "two levels")
    os.kill(agent.pid, signal.SIGKILL)
    agent.wait(10)
    machine.run_agent(sweep)
    wait_for(lambda: not machine.processes(), "the orphan's end")
    assert [kind for _, kind, _ in server.backend.handed_out] == ["run", "run"]
    assert [run.cell for run in server.runs] == sweep.cells
    for run in server.runs:
        check_arrived(run, folder_of(run, machine.runs))
        assert run.starts == 1


@pytest.mark.slow
def test_a_failing_cell_fails_alone_and_is_not_handed_out_again(server, machine):
    """One cell diverges, since no trial is made before it; two are refused before anything starts."""
    values = {"data.noise_type": ["asymmetric", "symmetric"], "seed_everything": [0]}
    fixed = [*DESCENT[2:], "--pruning.levels", "1", "--preflight", "false"]
    file = small_sweep(FILE, machine.folder, fixed, values)
    content = yaml.safe_load(file.read_text())
    del content["parameters"]["data.noise_rate"]
    content["parameters"]["model.distance_penalty"] = {"values": [0.0, 1e30]}
    file.write_text(yaml.safe_dump(content))
    sweep = machine.sweep(file)
    printed = machine.run_agent(sweep, WANDB_AGENT_DISABLE_FLAPPING="true")
    assert [run.cell for run in server.runs] == sweep.cells
    refused, refused_too, good, diverged = server.runs
    assert [run.state for run in (refused, refused_too)] == ["pending", "pending"]
    assert printed.count("sdd: error: asymmetric noise is not defined for digits") == 2
    check_arrived(good, folder_of(good, machine.runs))
    assert (diverged.state, diverged.exitcode) == ("failed", 2)
    assert printed.count("sdd: error: training diverged") == 1


@pytest.mark.slow
def test_offline_agents_leave_runs_that_arrive_whole_by_sync(server, machine):
    sweep = sweep_of(machine, [0.0, 0.4], [0], levels=2)
    machine.run_agent(sweep, WANDB_MODE="offline")
    assert [run.state for run in server.runs] == ["pending", "pending"]
    folders = sorted(machine.runs.glob("*/wandb/offline-run-*"))
    assert len(folders) == 2
    machine.wandb("sync", *map(str, folders))
    assert [run.cell for run in server.runs] == sweep.cells
    for run in server.runs:
        check_arrived(run, folder_of(run, machine.runs))
        assert run.display_name == f"noise_rate={run.cell['data.noise_rate']},seed_everything=0"


def _cells_at(machine):
    names = ("data.noise_rate", "seed_everything")
    settings = [json.loads(path.read_text())["values"] for path in machine.runs.glob("*/settings.json")]
    return [{name: setting[name] for name in names} for setting in settings]
