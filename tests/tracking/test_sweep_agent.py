"""What a sweep agent puts on a command line, and what it is told of an interrupt."""

import signal
import time
from types import SimpleNamespace

import pytest
from lightning.pytorch.loggers import CSVLogger, WandbLogger
from wandb import errors

from sdd.cli.parse import plan
from sdd.tracking.loggers import refused
from sdd.tracking.sweep_agent import given_back_when_preempted, own_arguments, swept_values
from sdd.tracking.wandb_run import run_name
from tests.small import QUICK


def test_what_a_sweep_agent_set_is_told_from_the_rest_of_the_command():
    command = ["fit", "--config", "configs/x.yaml", "--pruning.dense_from", "auto", "--trainer.logger", "WandbLogger"]
    cell = ["--config=y.yaml", "--data.noise_rate=0.2", "--pruning.sparsities=[0.5, 0.9]", "--seed_everything=0"]
    settings = {"data.noise_rate": 0.2, "pruning.sparsities": [0.5, 0.9], "seed_everything": 0}
    swept = swept_values([*command, *cell], settings)
    assert swept == settings
    assert list(swept) == list(swept_values(cell[::-1], settings)), "in one order however they are given"
    assert run_name("x", swept) == "noise_rate=0.2,sparsities=0.5,0.9,seed_everything=0"
    assert run_name("x", {}) == "x"


def test_a_run_that_is_handed_out_again_is_given_what_was_swept(monkeypatch):
    monkeypatch.setenv("WANDB_SWEEP_ID", "abc")
    fixed = ["fit", "--config", "configs/x.yaml", "--trainer.logger", "WandbLogger"]
    swept = ["--data.noise_rate=0.2", "--seed_everything=0"]
    logged = ["--data={'noise_rate': 0.2, 'root': 'a=b'}", "--run_dir=None", "--threads=1", "--_wandb={'x': 1}"]
    assert own_arguments([*fixed, *logged[:2], *swept, *logged[2:]]) == [*fixed, *swept]
    first_time = [*fixed, *swept, "--threads=1"]
    assert own_arguments(first_time) == first_time
    monkeypatch.delenv("WANDB_SWEEP_ID")
    assert own_arguments([*fixed, *logged]) == [*fixed, *logged], "outside a sweep every argument is the user's"


def test_a_value_is_shown_as_it_was_read():
    settings = {**plan(QUICK).settings.values, "data.noise_rate": 0.0}
    assert run_name("x", swept_values(["--data.noise_rate=0"], settings)) == "noise_rate=0.0"


def interrupted(signals):
    """Be asked to end by signals, as Lightning is: SIGTERM, and whatever comes before it, ends as an interrupt."""
    for number in (signal.SIGINT, signal.SIGTERM):  # whoever started the tests may have them ignored
        signal.signal(number, signal.default_int_handler)
    for number in signals:
        signal.raise_signal(number)
    time.sleep(5)


@pytest.mark.parametrize(
    ("in_sweep", "requeue", "signals", "told"),
    [
        (True, "notice", [signal.SIGUSR1], 1),
        (True, "notice", [signal.SIGTERM], 0),
        (True, "notice", [signal.SIGINT], 0),
        (True, "interrupt", [signal.SIGTERM], 1),
        (True, "interrupt", [signal.SIGINT], 1),
        (False, "interrupt", [signal.SIGTERM], 0),
    ],
)
def test_in_a_sweep_a_pre_emption_gives_the_run_back_and_a_stop_does_not(
    monkeypatch, tmp_path, in_sweep, requeue, signals, told
):
    if in_sweep:
        monkeypatch.setenv("WANDB_SWEEP_ID", "abc")
    else:
        monkeypatch.delenv("WANDB_SWEEP_ID", raising=False)
    calls = []
    run = SimpleNamespace(mark_preempting=lambda: calls.append("preempting"))
    monkeypatch.setattr(WandbLogger, "experiment", run)
    loggers = [WandbLogger(save_dir=tmp_path, offline=True), CSVLogger(tmp_path)]
    before = signal.getsignal(signal.SIGUSR1)
    with pytest.raises(KeyboardInterrupt), given_back_when_preempted(lambda: loggers, requeue):
        interrupted(signals)
    assert len(calls) == told
    assert signal.getsignal(signal.SIGUSR1) == before


def test_an_error_is_no_pre_emption_and_a_pre_emption_that_w_and_b_does_not_hear_of_is_said(monkeypatch, capsys):
    monkeypatch.setenv("WANDB_SWEEP_ID", "abc")

    def away():
        raise errors.CommError("nobody there")

    with pytest.raises(ValueError, match="no"), given_back_when_preempted(away, "interrupt"):
        raise ValueError("no")
    with pytest.raises(KeyboardInterrupt), given_back_when_preempted(away, "interrupt"):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "sdd: W&B could not be told that the run is pre-empted: nobody there\n"


@pytest.mark.parametrize(
    ("error", "is_refused"),
    [
        (errors.UsageError("No API key configured."), True),
        (errors.AuthenticationError("API key must have 40+ characters"), True),
        (errors.CommError("permission denied"), True),
        (errors.CommError("Failed to get resume status for run a: returned error 401: {}"), True),
        (errors.CommError("Timed out while retrying: Post"), False),
        (errors.CommError("Failed to get resume status for run a: POST … giving up after 2 attempt(s)"), False),
        (errors.CommError("Failed to get resume status for run a: invalid character '<'"), False),
        (errors.Error("Error initializing run: POST … giving up after 2 attempt(s)"), False),
    ],
)
def test_what_w_and_b_refuses_is_told_from_what_it_cannot_do(error, is_refused):
    assert refused(error) is is_refused
