"""What a sweep agent puts on a command line, and what it is told of an interrupt."""

from types import SimpleNamespace

import pytest
from lightning.pytorch.loggers import CSVLogger, WandbLogger

from sdd.cli.parse import plan
from sdd.tracking.sweep_agent import given_back_on_interrupt, own_arguments, swept_values
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


@pytest.mark.parametrize(
    ("in_sweep", "raised", "told"), [(True, KeyboardInterrupt, 1), (False, KeyboardInterrupt, 0), (True, ValueError, 0)]
)
def test_an_interrupt_in_a_sweep_gives_the_run_back(monkeypatch, tmp_path, in_sweep, raised, told):
    if in_sweep:
        monkeypatch.setenv("WANDB_SWEEP_ID", "abc")
    else:
        monkeypatch.delenv("WANDB_SWEEP_ID", raising=False)
    calls = []
    run = SimpleNamespace(mark_preempting=lambda: calls.append("preempting"))
    monkeypatch.setattr(WandbLogger, "experiment", run)
    loggers = [WandbLogger(save_dir=tmp_path, offline=True), CSVLogger(tmp_path)]
    with pytest.raises(raised), given_back_on_interrupt(lambda: loggers):
        raise raised
    assert len(calls) == told
