"""The trial of a run before its first level: what it finds, in which words, and that nothing of it is left."""

import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from lightning.pytorch.utilities.rank_zero import WarningCache

from sdd.__main__ import main
from sdd.cli import command, trial
from tests.small import QUICK, curve_without_seconds

PARTS = """
from pathlib import Path

import lightning.pytorch as pl
import torch
from torch import nn

from sdd.callbacks import LevelCallback
from sdd.models import MLP
from sdd.pruning.retraining import Retraining


def loss(outputs, labels, *, reduction="mean"):
    if outputs.requires_grad:
        raise KeyError("no such class")
    return nn.functional.cross_entropy(outputs, labels, reduction=reduction)


def criterion(scoring):
    return {name: weight[10**6] for name, weight in scoring.parameters.items()}


def scope(surviving):
    yield surviving.no_such_thing


def restart(restart):
    return restart.trained["no_such_weight"]


def noise(clean):
    raise RuntimeError("two\\nlines")


class Measure(LevelCallback):
    def measure_level(self, trainer, pl_module, level):
        return {"ratio": 1 / (2 - level.level - level.last_level)}


class State(LevelCallback):
    def state_dict(self):
        return {"seen": State}


class Hook(LevelCallback):
    def on_before_zero_grad(self, trainer, pl_module, optimizer):
        optimizer.no_such_thing


class Plain(LevelCallback):
    seen = 0

    def on_train_batch_end(self, *rest):
        type(self).seen += 1
        torch.rand(1)


class Ends(pl.Callback):
    def __init__(self, how):
        self.how = how

    def on_train_epoch_end(self, trainer, pl_module):
        if trainer.current_epoch == 3 and self.how == "raises":
            raise ValueError("late")
        trainer.should_stop = trainer.current_epoch == 3


class Tells(LevelCallback):
    def on_level_end(self, trainer, pl_module, level, measures):
        trainer.logger.log_metrics({"told": level.sparsity}, step=level.level)
        trainer.logger.experiment.flush()
        (Path(trainer.logger.log_dir) / "told.txt").write_text(f"{level.level}")


class Logs(pl.Callback):
    def on_validation_epoch_end(self, trainer, pl_module):
        pl_module.log("mine", 1.0)


def hardest(outputs, labels, *, reduction="mean"):
    each = nn.functional.cross_entropy(outputs, labels, reduction="none")
    if reduction != "mean" or not outputs.requires_grad:
        return each if reduction == "none" else each.sum()
    return each.topk(16).values.mean()


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.norm, self.fc = nn.Linear(64, 20), nn.BatchNorm1d(20), nn.Linear(20, 10)

    def forward(self, images):
        return self.fc(self.norm(self.hidden(images.flatten(1))).relu())


class Unmade(nn.Module):
    def __init__(self):
        super().__init__()
        raise LookupError("no weights")
"""


@pytest.fixture(autouse=True)
def _in_a_folder_with_parts(tmp_path, monkeypatch):
    (tmp_path / "trial_parts.py").write_text(PARTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "trial_parts", raising=False)
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def left(folder):
    return sorted(path.name for path in folder.iterdir() if path.name not in {"trial_parts.py", "__pycache__"})


NORM = [*QUICK[:7], "--model.net", "trial_parts.Norm", *QUICK[9:]]
UNMADE = [*QUICK[:7], "--model.net", "trial_parts.Unmade", *QUICK[9:]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*QUICK, "--model.loss", "trial_parts.loss"], "model.loss trial_parts.loss raised KeyError: 'no such class'"),
        (
            [*QUICK, "--pruning.criterion", "gradient", "--pruning.criterion_args.batches", "-1"],
            "criterion_args.batches is -1; it must be a whole number from 1",
        ),
        ([*QUICK, "--pruning.retrain", "trial_parts.restart"], "trial_parts.restart raised KeyError: 'no_such_weight'"),
        ([*QUICK, "--trainer.callbacks", "trial_parts.Measure"], "Measure.measure_level raised ZeroDivisionError"),
        ([*QUICK, "--trainer.callbacks", "trial_parts.State"], "state_dict of a callback"),
        ([*QUICK, "--trainer.callbacks", "trial_parts.Hook"], "Hook.on_before_zero_grad raised AttributeError"),
        ([*NORM, "--data.train_size", "201"], "the last batch of an epoch has a single example"),
        ([*QUICK, "--trainer.accelerator", "gpu"], "trainer: No supported gpu backend found!"),
        ([*QUICK, "--trainer.logger", "CometLogger"], "CometLogger cannot be made"),
        *(
            pytest.param([*QUICK, option, f"trial_parts.{name}"], words, marks=pytest.mark.slow)
            for option, name, words in (
                ("--pruning.criterion", "criterion", "trial_parts.criterion raised IndexError"),
                ("--pruning.scope", "scope", "pruning.scope trial_parts.scope raised AttributeError"),
                ("--data.noise_type", "noise", "trial_parts.noise raised RuntimeError: two lines"),
            )
        ),
        pytest.param(UNMADE, "raised LookupError: no weights (trial_parts.py, line ", marks=pytest.mark.slow),
    ],
)
def test_what_fails_is_one_line_before_the_first_level_and_leaves_nothing(tmp_path, capsys, arguments, words):
    if "gpu" in arguments and torch.cuda.is_available():
        pytest.skip("there is one")
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert (shown.err.count("\n"), shown.out) == (1, "")
    assert left(tmp_path) == []


def random_states():
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002


def test_a_trial_leaves_no_trace(tmp_path, monkeypatch, capsys):
    """Its states, files, network, output; and the same curve as without it, with everything measured."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    real, tried = command.try_out, []

    def watched(request, config, data):
        if not config.preflight:
            real(request, config, data)
            return
        before = random_states(), {name: part.labels.clone() for name, part in data._splits.items()}
        real(request, config, data)
        after = random_states(), {name: part.labels.clone() for name, part in data._splits.items()}
        assert before[0] == after[0]
        assert all(torch.equal(labels, after[1][name]) for name, labels in before[1].items())
        assert list((tmp_path / "tmp").iterdir()) == []
        assert capsys.readouterr() == ("", "")
        tried.append(__import__("trial_parts").Plain.seen)

    monkeypatch.setattr(command, "try_out", watched)
    everything = [f"--flatness.{name}=true" for name in ("hessian_top", "hessian_trace", "sharpness", "loss_curves")]
    everything += ["--flatness.examples", "50", "--flatness.levels", "[1]", "--distance.path", "true"]
    everything += ["--trainer.callbacks", "trial_parts.Plain", "--pruning.criterion", "gradient"]
    everything += ["--pruning.levels", "1", "--pruning.rewind_steps", "5"]
    assert main([*QUICK, *everything, "--run_dir", "tried"]) == 0
    assert tried == [4 + 3], "two epochs of two batches, and again from step 1 on"
    assert main([*QUICK, *everything, "--run_dir", "not", "--preflight", "false"]) == 0
    assert len(tried) == 1
    assert curve_without_seconds(tmp_path / "tried") == curve_without_seconds(tmp_path / "not")
    for name in ("loss_curves.csv", "distance_path.csv", "settings.json"):
        assert (tmp_path / "tried" / name).read_bytes() == (tmp_path / "not" / name).read_bytes()


def test_what_a_run_can_do_is_not_refused(tmp_path):
    """A callback that tells a logger, checkpoints by what a callback logs, and a batch of one that is left out."""
    able = ["--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", "logs", "--trainer.callbacks"]
    able += ["trial_parts.Tells", "--trainer.callbacks+", "trial_parts.Logs", "--trainer.callbacks+", "ModelCheckpoint"]
    able += ["--trainer.callbacks.monitor", "mine", "--data.val_size", "20"]
    able += ["--data.train_size", "201", "--trainer.limit_train_batches", "4", "--model.loss", "trial_parts.hardest"]
    assert main([*NORM, *able, "--trainer.fast_dev_run", "true"]) == 0
    assert left(tmp_path) == []


def test_lightning_warns_again_after_a_trial():
    cache = WarningCache()
    with trial._unseen():
        cache.warn("once")
    with pytest.warns(UserWarning, match="once"):
        cache.warn("once")
    assert cache == {"once"}


def test_fast_dev_run_tries_all_and_writes_nothing(tmp_path, capsys):
    assert main([*QUICK, "--trainer.fast_dev_run", "true"]) == 0
    assert "tried a dense and a pruned level on two batches" in capsys.readouterr().out
    assert main([*QUICK, "--trainer.fast_dev_run", "1", "--model.loss", "trial_parts.loss"]) == 2
    assert left(tmp_path) == []


def test_a_run_whose_time_is_over_says_so_and_the_same_command_goes_on(tmp_path, capsys):
    arguments = [*QUICK, "--pruning.levels", "0", "--pruning.epochs_per_level", "2", "--preflight", "false"]
    limited = [*arguments, "--trainer.max_time", yaml.safe_dump({"microseconds": 1}, default_flow_style=True).strip()]
    assert main([*limited, "--run_dir", "limited"]) == 75
    line = capsys.readouterr().err.splitlines()[-1]
    assert "after 1 of 2 epochs, since trainer.max_time is over; the same command goes on" in line
    assert main([*limited, "--run_dir", "limited"]) == 0
    assert main([*arguments, "--run_dir", "whole"]) == 0
    assert curve_without_seconds(tmp_path / "limited") == curve_without_seconds(Path("whole"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--trainer.callbacks", "Timer"], "Timer, which knows nothing of levels: set --trainer.max_time"),
        (["--trainer.limit_train_batches", "1.0"], "limit_train_batches is 1.0, which is all batches"),
        (["--seed_everything", str(2**32)], "whole number from 0 to 4294967295"),
        (["--trainer.max_steps", "3"], "trainer.max_steps is 3"),
    ],
)
def test_settings_that_end_a_run_early_are_refused(tmp_path, capsys, arguments, words):
    assert main([*QUICK, *arguments]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("\n") == 1
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        ("raises", 2, "sdd: error: Ends.on_train_epoch_end raised ValueError: late (trial_parts.py, line "),
        (
            "stops",
            75,
            "has stopped in level 1 of 3, after 4 of 12 epochs, since a callback has set trainer.should_stop",
        ),
    ],
)
def test_a_callback_that_ends_the_training_is_named_in_one_line(capsys, how, status, words):
    ends = ["--trainer.callbacks", "trial_parts.Ends", "--trainer.callbacks.how", how]
    assert main([*QUICK, *ends, "--preflight", "false"]) == status
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("\n") == 1
