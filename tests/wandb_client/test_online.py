"""A run by itself: what of it arrives at the server, also when the server is not there or comes later."""

import signal
import time

import pytest

from sdd.analysis.curve import read_curve
from tests.small import curve_without_seconds
from tests.wandb_client.arrival import check_arrived
from tests.wandb_client.client import DESCENT, wait_for

WANDB = ["--trainer.logger", "WandbLogger", "--trainer.logger.project", "sdd-tests"]
# The client gives up on a question soon, but not on what it has to deliver.
IMPATIENT = {
    "WANDB_HTTP_TIMEOUT": "3",
    "WANDB_X_GRAPHQL_RETRY_MAX": "1",
    "WANDB_X_FILE_STREAM_RETRY_WAIT_MAX_SECONDS": "1",
    "WANDB_X_FILE_TRANSFER_RETRY_WAIT_MAX_SECONDS": "1",
}
# A question that is given up is lost, the one that says what the metrics' axis is too: this client asks until it ends.
PERSEVERING = IMPATIENT | {"WANDB_X_GRAPHQL_RETRY_MAX": "1000", "WANDB_X_GRAPHQL_RETRY_WAIT_MAX_SECONDS": "1"}


@pytest.mark.slow
def test_a_run_with_a_double_descent_arrives_whole_and_once(server, machine):
    machine.fit(*DESCENT, *WANDB, "--dynamics.levels", "[0]", "--dynamics.every", "10", "--run_dir", "run")
    (run,) = server.runs
    check_arrived(run, machine.folder / "run")
    epochs = [row for row in run.history if "epochs/test_acc" in row]
    assert [row["epochs/epoch"] for row in epochs] == [0, 10, 20, 30, 39]
    logged = [name for name in epochs[0] if name.startswith("epochs/") and name != "epochs/epoch"]
    assert {name: run.step_metrics.get(name) for name in logged} == dict.fromkeys(logged, "epochs/epoch")
    assert run.levels[0]["best_test_acc"] == max(row["epochs/test_acc"] for row in epochs)
    assert run.summary["double_descent"] is True
    assert run.summary["depth"] > 0
    assert run.summary["trough"]["sparsity"] < run.summary["peak"]["sparsity"]
    assert run.project == "sdd-tests"
    assert run.display_name == "run"
    assert run.group.startswith("digits_mlp-")
    assert run.tags == ["digits", "MLP", "symmetric 0.4"]
    assert run.config["data"]["noise_rate"] == 0.4

    machine.fit(*DESCENT, *WANDB, "--run_dir", "run")
    assert len(server.runs) == 1
    assert run.starts == 1, "a finished run that the server has is left alone"


@pytest.mark.slow
def test_a_run_that_was_finished_without_wandb_is_published_later(server, machine):
    machine.fit(*DESCENT, "--run_dir", "run")
    machine.fit(*DESCENT, *WANDB, "--run_dir", "run")
    (run,) = server.runs
    check_arrived(run, machine.folder / "run")


@pytest.mark.slow
def test_a_killed_run_goes_on_under_its_id_and_no_row_arrives_twice(server, machine):
    # The client sends rows every 15 s, so the run has to take longer.
    long = ["--pruning.levels", "24", "--pruning.fraction", "0.25", "--pruning.epochs_per_level", "300"]
    arguments = [*DESCENT, *long, *WANDB, "--run_dir", "run"]
    machine.start_fit(*arguments)
    wait_for(lambda: server.runs and len(server.runs[0].levels) >= 2, "two rows at the server")
    machine.switch_off()
    (run,) = server.runs
    assert len(run.levels) < 25, "it was killed in the middle"
    with server.locked() as backend:
        backend.lose(run.name)
    machine.fit(*arguments)
    assert server.runs == [run]
    assert run.starts == 2
    check_arrived(run, machine.folder / "run")


@pytest.mark.slow
def test_an_offline_run_that_was_killed_and_gone_on_with_arrives_whole_and_once(server, machine):
    """W&B's client makes a folder a session; ours stores the rows of earlier sessions again."""
    arguments = [*DESCENT, *WANDB, "--run_dir", "run"]
    curve = machine.folder / "run" / "curve.csv"
    machine.start_fit(*arguments, WANDB_MODE="offline")
    wait_for(lambda: curve.exists() and len(read_curve(curve)) >= 3, "three levels")
    machine.switch_off()
    assert not (machine.folder / "run" / "summary.json").exists()
    machine.fit(*arguments, WANDB_MODE="offline")
    assert server.runs == []

    stored = machine.folder / "run" / "wandb"
    assert len(list(stored.glob("replaced-offline-run-*"))) == 1
    machine.wandb("sync", *map(str, stored.glob("offline-run-*")))
    (run,) = server.runs
    check_arrived(run, machine.folder / "run")


@pytest.mark.slow
def test_a_server_that_dies_in_the_middle_costs_no_result_and_gets_the_rest_later(server, machine):
    curve = machine.folder / "run" / "curve.csv"
    started = machine.start_fit(*DESCENT, *WANDB, "--run_dir", "run", **PERSEVERING)
    wait_for(lambda: curve.exists() and len(read_curve(curve)) >= 2, "two levels")
    server.stop()
    wait_for((machine.folder / "run" / "summary.json").exists, "the run's end")
    assert len(read_curve(curve)) == 13
    server.start()
    assert started.wait(100) == 0
    (run,) = server.runs
    check_arrived(run, machine.folder / "run", table=False)


@pytest.mark.slow
def test_a_run_that_is_asked_to_end_while_it_delivers_arrives_whole(server, machine):
    """SIGTERM, as an agent sends it that is told to stop a run which has just come to its end."""
    started = machine.start_fit(*DESCENT, *WANDB, "--pruning.levels", "2", "--run_dir", "run")
    wait_for(lambda: server.runs, "the run at the server")
    server.delay = 1.5  # so that delivering takes a while
    wait_for((machine.folder / "run" / "summary.json").exists, "the run's end")
    time.sleep(0.5)
    started.send_signal(signal.SIGTERM)
    status = started.wait(100)
    (run,) = server.runs
    assert (status, run.state, run.exitcode) in {(0, "finished", 0), (130, "failed", 130)}, "it came a moment earlier"
    assert len(run.levels) == 3
    assert "Traceback" not in (machine.folder / "fit.log").read_text()


@pytest.mark.slow
def test_a_run_that_is_asked_to_end_before_it_trains_is_stopped_at_the_server(server, machine):
    server.delay = 1.0
    started = machine.start_fit(*DESCENT, *WANDB, "--run_dir", "run")
    wait_for(lambda: server.runs, "the run at the server")
    started.send_signal(signal.SIGTERM)
    assert started.wait(100) == 130
    (run,) = server.runs
    assert (run.state, run.exitcode) == ("failed", 130)
    assert "Traceback" not in (machine.folder / "fit.log").read_text()


@pytest.mark.slow
def test_a_server_that_fails_from_the_middle_on_costs_no_result(server, machine):
    """It answers 503 for ever, so the client gives up at the end; `wandb sync` delivers the rest."""
    curve = machine.folder / "run" / "curve.csv"
    started = machine.start_fit(*DESCENT, *WANDB, "--run_dir", "run", **IMPATIENT, WANDB_FINISH_TIMEOUT="3")
    wait_for(lambda: curve.exists() and len(read_curve(curve)) >= 2, "two levels")
    server.fault = 503
    assert started.wait(100) == 0
    assert len(read_curve(curve)) == 13
    assert (machine.folder / "run" / "summary.json").exists()
    assert "Traceback" not in (machine.folder / "fit.log").read_text()
    server.fault = None
    machine.wandb("sync", "--no-skip-online", *map(str, (machine.folder / "run" / "wandb").glob("run-*")))
    (run,) = server.runs
    check_arrived(run, machine.folder / "run", table=False)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["away", "failing", "slow"])
def test_a_server_that_is_not_there_costs_a_line(server, machine, wrong):
    if wrong == "away":
        server.stop()
    elif wrong == "failing":
        server.fault = 502
    else:
        server.delay = 4.0
    arguments = [*DESCENT, "--pruning.levels", "1", *WANDB, "--run_dir", "run"]
    machine.fit(*arguments, **IMPATIENT)
    (line,) = (line for line in (machine.folder / "fit.log").read_text().splitlines() if line.startswith("sdd: "))
    assert line.startswith("sdd: W&B: ")
    _, said, command = line.partition("; the run goes on without it, to be sent later by: wandb sync ")
    assert said
    assert "Traceback" not in (machine.folder / "fit.log").read_text()
    if wrong == "away":
        server.start()
    server.fault, server.delay = None, 0.0
    machine.wandb("sync", command)
    (run,) = server.runs
    check_arrived(run, machine.folder / "run")


@pytest.mark.slow
def test_a_key_that_is_refused_is_said_in_one_line_before_anything_is_trained(server, machine):
    server.fault = 401
    arguments = [*DESCENT, "--pruning.levels", "1", *WANDB, "--run_dir", "run"]
    assert machine.start_fit(*arguments, **IMPATIENT).wait(100) == 2
    (line,) = (line for line in (machine.folder / "fit.log").read_text().splitlines() if line.startswith("sdd: "))
    assert line.startswith("sdd: error: W&B: ")
    assert "no luck, 401" in line
    assert "WANDB_MODE=offline" in line
    assert "Traceback" not in (machine.folder / "fit.log").read_text()
    assert not (machine.folder / "run" / "curve.csv").exists()

    server.fault = None
    machine.fit(*arguments, WANDB_MODE="offline")
    machine.fit(*DESCENT, "--pruning.levels", "1", "--run_dir", "alone")
    assert curve_without_seconds(machine.folder / "run") == curve_without_seconds(machine.folder / "alone")
