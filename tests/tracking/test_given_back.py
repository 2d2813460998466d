"""Which runs are given back to a sweep where a process is pre-empted before, while and after it trains one."""

import signal
from functools import wraps
from types import SimpleNamespace

import pytest
import wandb

from sdd.__main__ import main
from sdd.cli.parse import parse
from sdd.runs.folder import RunFolder
from sdd.tracking.loggers import RunLoggers
from tests.small import QUICK

RUN = [*QUICK, "--pruning.levels", "1", "--pruning.epochs_per_level", "1", "--preflight", "false"]


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Folders in which a pre-empted run told W&B so."""
    told = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SWEEP_ID", "abc")
    monkeypatch.setenv("WANDB_MODE", "offline")

    @wraps(wandb.init)  # whose arguments are settings of the logger
    def init(**given):
        return SimpleNamespace(mark_preempting=lambda: told.append(given["dir"]))

    monkeypatch.setattr(wandb, "init", init)
    return told


def pre_empted(*, owned):
    """Be pre-empted while a run is worked on here, or elsewhere."""
    request = parse([*RUN, "--run_dir", "run", "--trainer.logger", "WandbLogger"])
    loggers = RunLoggers(request.config.clone(), request.text, request.plan, request.folder, request.arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), loggers.given_back(owned=owned):
        signal.raise_signal(signal.SIGUSR1)


def test_a_run_that_another_process_works_on_is_given_back_and_its_folder_left_alone(told):
    pre_empted(owned=False)
    assert told == ["run"]
    assert RunFolder("run").state().name == "new"


def test_a_run_of_ones_own_is_given_back_from_its_claim_on(told):
    pre_empted(owned=True)
    assert told == ["run"]
    assert RunFolder("run").config.is_file(), "the folder that W&B writes in is the run's"


@pytest.mark.parametrize("owned", [True, False])
def test_a_finished_run_is_not_handed_out_again(told, owned):
    assert main([*RUN, "--run_dir", "run"]) == 0
    pre_empted(owned=owned)
    assert told == []
