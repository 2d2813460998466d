"""Experiments on the levels of a finished run: winning tickets and re-dense training."""

import json
import math

import pytest
import torch

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.callbacks import LevelCallback
from sdd.models import MLP
from sdd.module import Classifier
from sdd.seeding import derive_seed
from tests.small import QUICK, curve_without_seconds, keep_both_checkpoints, level_state, sgd, small_net

RUN = [*QUICK, "--pruning.epochs_per_level", "4", "--model.lr_scheduler", "torch.optim.lr_scheduler.MultiStepLR"]
RUN += ["--model.lr_scheduler.milestones", "[2]"]


@pytest.fixture
def lottery(tmp_path, monkeypatch):
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    assert main([*RUN, "--run_dir", "lottery"]) == 0
    yield tmp_path / "lottery"
    torch.set_num_threads(threads)


def test_tickets_are_trained_under_the_same_masks_from_fresh_weights(lottery, tmp_path, capsys):
    arguments = [*RUN, "--pruning.retrain", "scratch", "--pruning.masks_from", "lottery", "--run_dir", "tickets"]
    assert main(arguments) == 0
    first, second = read_curve(lottery / "curve.csv"), read_curve(tmp_path / "tickets" / "curve.csv")
    assert [row["remaining"] for row in first] == [row["remaining"] for row in second]
    for level in range(4):
        (trained, masks), (again, others) = level_state(lottery, level), level_state(tmp_path / "tickets", level)
        assert all(torch.equal(masks[name], others[name]) for name in masks)
        # Dense networks have the same first weights, others do not.
        assert all(torch.equal(trained[name], again[name]) for name in trained) == (level == 0)
    # A magnitude-pruned scratch run has other masks: the masks really come from the lottery.
    assert main([*RUN, "--pruning.retrain", "scratch", "--run_dir", "own"]) == 0
    own = level_state(tmp_path / "own", 2)[1]
    assert not all(torch.equal(own[name], value) for name, value in level_state(lottery, 2)[1].items())


def test_redense_training_starts_from_the_trained_level_and_releases_its_mask(lottery, tmp_path):
    arguments = [*RUN, "--pruning.retrain", "redense", "--pruning.masks_from", "lottery", "--run_dir", "redense"]
    assert main(arguments) == 0
    before, after = read_curve(lottery / "curve.csv"), read_curve(tmp_path / "redense" / "curve.csv")
    for level, (source, row) in enumerate(zip(before, after, strict=True)):
        for name in ("level", "sparsity", "remaining"):
            assert row[name] == source[name]
        for name in ("train_acc", "test_acc", "test_loss", "memorized"):
            assert row[f"{name}_before"] == source[name], (level, name)
        assert row["distance_start"] > 0
        sparse, masks = level_state(lottery, level)
        dense, released = level_state(tmp_path / "redense", level)
        assert all(bool(mask.all()) for mask in released.values())
        if level:
            grown = [dense[name][~mask] for name, mask in masks.items()]
            assert all(bool((values != 0).any()) for values in grown), "removed weights grow from zero"
        # Every weight counts where it is now: distances from the first weights, those of the run that is trained on.
        torch.manual_seed(derive_seed(0, "initial weights", 0))
        first = MLP(64, [20], 10).state_dict()
        moved = sum((dense[name].double() - value.double()).square().sum().item() for name, value in first.items())
        assert row["distance"] == row["distance_init"] == pytest.approx(math.sqrt(moved), rel=1e-9)
        # The rate is the last one of the schedule, 0.01, held: four epochs move weights little.
        assert row["distance_start"] < source["distance_start"]
        assert sparse.keys() == dense.keys()


def test_the_last_rate_of_a_schedule():
    def milestones(optimizer):
        return torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[80, 120], gamma=0.1)

    assert Classifier(small_net(), sgd).last_rate(160, 10) == 0.1
    assert Classifier(small_net(), sgd, milestones).last_rate(160, 10) == pytest.approx(0.001)
    assert Classifier(small_net(), sgd, milestones).last_rate(120, 10) == pytest.approx(0.01)
    assert Classifier(small_net(), sgd, milestones, "step").last_rate(9, 10) == pytest.approx(0.01)


@pytest.mark.slow
def test_redense_runs_resume_too(lottery, tmp_path, monkeypatch):
    keep_both_checkpoints(monkeypatch)
    arguments = [*RUN, "--pruning.retrain", "redense", "--pruning.masks_from", "lottery"]
    arguments += ["--checkpoint.every_n_epochs", "1"]
    assert main([*arguments, "--run_dir", "whole"]) == 0
    assert main([*arguments, "--run_dir", "stopped"]) == 0
    folder = tmp_path / "stopped"
    (folder / "summary.json").unlink()
    newest = max((folder / "checkpoints").iterdir())
    newest.unlink()  # the one before is in mid-level
    assert main([*arguments, "--run_dir", "stopped"]) == 0
    assert curve_without_seconds(folder) == curve_without_seconds(tmp_path / "whole")


@pytest.mark.parametrize(
    ("damage", "arguments", "word"),
    [
        (lambda run: (run / "summary.json").unlink(), [], "is damaged: summary.json is missing"),
        (lambda run: (run / "curve.csv").unlink(), [], "is damaged: has a summary.json but no curve.csv"),
        (lambda run: (run / "levels" / "level-002.ckpt").unlink(), [], "level-002.ckpt is missing"),
        (lambda run: (run / "levels" / "level-002.ckpt").write_bytes(b"PK"), [], "level-002.ckpt is damaged"),
        (lambda run: None, ["--pruning.levels", "5"], "level-004.ckpt is missing"),
        (lambda run: None, ["--model.net.widths", "[21]"], "hidden.0.weight"),
        (lambda run: None, ["--pruning.retrain", "redense", "--seed_everything", "1"], "seed_everything"),
    ],
)
def test_a_run_that_cannot_serve_is_refused_before_any_training(lottery, tmp_path, capsys, damage, arguments, word):
    damage(lottery)
    capsys.readouterr()
    command = [*RUN, "--pruning.retrain", "scratch", "--pruning.masks_from", "lottery", "--run_dir", "new"]
    assert main([*command, *arguments]) == 2
    line = capsys.readouterr().err
    assert word in line
    assert line.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_settings_name_the_run_that_masks_came_from(lottery, tmp_path):
    arguments = [*RUN, "--pruning.retrain", "scratch", "--pruning.masks_from", "lottery", "--run_dir", "tickets"]
    assert main(arguments) == 0
    settings = json.loads((tmp_path / "tickets" / "settings.json").read_text())["values"]
    assert settings["pruning.masks_from"] == "lottery"


class EndRates(LevelCallback):
    """Measures the first and the last learning rate of a level."""

    def __init__(self):
        self.rates = []

    def on_level_start(self, trainer, pl_module, level):
        self.rates = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    def measure_level(self, trainer, pl_module, level):
        return {"first_rate": self.rates[0], "last_rate": self.rates[-1]}


def test_redense_goes_on_at_the_rate_that_a_schedule_of_steps_ended_with(tmp_path, monkeypatch):
    """Three of four batches, two a step: 2 · 3 steps a level, of which the last has the rate 0.1 · 0.5⁵."""
    monkeypatch.chdir(tmp_path)
    steps = ["--model.lr_scheduler", "torch.optim.lr_scheduler.ExponentialLR", "--model.lr_scheduler.gamma", "0.5"]
    steps += ["--model.lr_interval", "step", "--trainer.accumulate_grad_batches", "2"]
    steps += ["--trainer.limit_train_batches", "3", "--pruning.levels", "1"]
    arguments = [*QUICK, *steps, "--trainer.callbacks", "tests.runs.test_trained_levels.EndRates"]
    assert main([*arguments, "--run_dir", "source"]) == 0
    redense = ["--pruning.retrain", "redense", "--pruning.masks_from", "source"]
    assert main([*arguments, *redense, "--run_dir", "redense"]) == 0
    source, grown = (read_curve(tmp_path / name / "curve.csv") for name in ("source", "redense"))
    assert [(row["first_rate"], row["last_rate"]) for row in source] == [(0.1, 0.1 * 0.5**5)] * 2
    assert [(row["first_rate"], row["last_rate"]) for row in grown] == [(0.1 * 0.5**5, 0.1 * 0.5**5)] * 2
    assert main([*arguments, *redense, "--run_dir", "chosen", "--pruning.redense_lr", "0.02"]) == 0
    assert [row["last_rate"] for row in read_curve(tmp_path / "chosen" / "curve.csv")] == [0.02, 0.02]
