"""Frozen values, the largest weights, the distance penalty, early ends of levels: each does what it says."""

import math

import pytest
import torch
from torch.nn import functional

from sdd.analysis.curve import read_curve
from sdd.callbacks import LevelCallback
from sdd.errors import UserError
from sdd.module import Classifier, squared_distance
from tests.small import NormNet, level_state, sgd, small_net, small_run


class Watch(LevelCallback):
    """Keeps the value of removed weights at every step."""

    def __init__(self):
        self.frozen, self.starts, self.epochs = {}, [], []

    def on_level_start(self, trainer, pl_module, level):
        self.starts.append({name: value.clone() for name, value in pl_module.net.state_dict().items()})
        self.initial = level.initial
        self.epochs.append(0)

    def on_level_epoch_end(self, trainer, pl_module, level, epoch):
        assert epoch == self.epochs[-1]
        self.epochs[-1] += 1

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        level = len(self.starts) - 1
        for name, mask in pl_module.masks.items():
            value = dict(pl_module.net.named_parameters())[name].detach()[~mask].clone()
            before = self.frozen.setdefault((level, name), value)
            assert torch.equal(before, value), "a removed weight moved"


@pytest.mark.parametrize("retrain", ["lottery", "lr_rewind"])
@pytest.mark.parametrize("frozen", ["zero", "initial", "final"])
def test_removed_weights_stay_at_the_value_that_was_asked_for(tmp_path, frozen, retrain):
    watch = Watch()
    small_run(tmp_path, watch, frozen=frozen, retrain=retrain)
    held = {}
    for level in (1, 2, 3):
        trained, before = level_state(tmp_path, level - 1)
        after, masks = level_state(tmp_path, level)
        for name, mask in masks.items():
            new = before[name] & ~mask
            held[name] = torch.where(new, trained[name], held.get(name, torch.zeros_like(trained[name])))
            expected = {"zero": torch.zeros_like(trained[name]), "initial": watch.initial[name], "final": held[name]}
            assert torch.equal(after[name][~mask], expected[frozen][~mask])
            assert (after[name][~mask] == 0).all() == (frozen == "zero")


@pytest.mark.parametrize("frozen", ["initial", "final"])
def test_frozen_weights_add_nothing_to_the_distance_from_the_start(tmp_path, frozen):
    watch = Watch()
    small_run(tmp_path, watch, frozen=frozen, build=NormNet)
    for level, row in enumerate(read_curve(tmp_path / "curve.csv")):
        state, masks = level_state(tmp_path, level)
        total = 0.0
        for name, start in watch.starts[level].items():
            if "running" in name or "num_batches" in name:
                continue
            moved = (state[name] - start).double()
            if name in masks:
                assert bool((moved[~masks[name]] == 0).all())
            total += moved.square().sum().item()
        assert math.isclose(row["distance_start"], math.sqrt(total), rel_tol=1e-6)


def test_largest_removes_the_largest_trained_weights(tmp_path):
    small_run(tmp_path, levels=1, criterion="largest")
    net, _ = level_state(tmp_path, 0)
    _, masks = level_state(tmp_path, 1)
    kept = torch.cat([net[name].abs()[mask] for name, mask in masks.items()])
    gone = torch.cat([net[name].abs()[~mask] for name, mask in masks.items()])
    assert gone.min() >= kept.max()
    assert len(gone) == 576


def test_the_penalty_is_the_squared_distance_and_pulls_towards_the_start():
    parameter = torch.nn.Parameter(torch.tensor([1.0, 4.0]))
    penalty = squared_distance([(parameter, torch.tensor([0.0, 1.0]))])
    assert penalty.item() == 10
    penalty.backward()
    assert parameter.grad.tolist() == [2.0, 6.0]


def test_the_penalty_enters_the_training_loss_but_not_the_reported_one():
    module = Classifier(small_net(), sgd, distance_penalty=0.5)
    module.starts = [(p, p.detach() - 0.1) for p in module.net.parameters()]
    images, labels = torch.randn(8, 64), torch.arange(8)
    plain = functional.cross_entropy(module.net(images), labels).item()
    count = sum(p.numel() for p in module.net.parameters())
    assert module.training_step((images, labels), 0).item() == pytest.approx(plain + 0.5 * count * 0.01, rel=1e-4)
    assert module._losses[0].item() == pytest.approx(plain)


def test_a_penalty_shortens_the_distance_from_the_start_of_every_level(tmp_path):
    free, held = tmp_path / "free", tmp_path / "held"
    small_run(free)
    small_run(held, distance_penalty=0.5)
    for loose, tight in zip(read_curve(free / "curve.csv"), read_curve(held / "curve.csv"), strict=True):
        assert tight["distance_start"] < 0.9 * loose["distance_start"]
    with pytest.raises(UserError, match="distance_penalty"):
        Classifier(small_net(), sgd, distance_penalty=-1.0)


def test_a_level_ends_after_the_first_epoch_below_the_threshold(tmp_path):
    losses = {}

    class Losses(LevelCallback):
        def on_level_epoch_end(self, trainer, pl_module, level, epoch):
            losses.setdefault(level.level, []).append(pl_module.epoch_loss)

    watch = Watch()
    small_run(tmp_path, watch, Losses(), epochs_per_level=30, stop_loss=1.5)
    assert len(read_curve(tmp_path / "curve.csv")) == 4
    assert (tmp_path / "summary.json").exists()
    assert any(len(values) < 30 for values in losses.values())
    for level, values in losses.items():
        assert all(value > 1.5 for value in values[:-1])
        assert values[-1] <= 1.5 or len(values) == 30
        assert watch.epochs[level] == len(values)


def test_ending_levels_early_changes_nothing_before_the_end(tmp_path):
    """A level of n epochs and a level that ends after n epochs are the same level."""
    small_run(tmp_path / "early", epochs_per_level=30, stop_loss=100.0)
    small_run(tmp_path / "short", epochs_per_level=1)
    for level in range(4):
        early, short = (level_state(tmp_path / name, level)[0] for name in ("early", "short"))
        assert all(torch.equal(early[name], short[name]) for name in early)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"stop_loss": 0.0}, "stop_loss"),
        ({"retrain": "redense"}, "masks_from"),
        ({"masks_from": "nowhere"}, "nowhere is not there.*scratch"),
    ],
)
def test_impossible_arguments_are_refused_in_one_line(tmp_path, arguments, word):
    with pytest.raises(UserError, match=word) as caught:
        small_run(tmp_path, **arguments)
    assert "\n" not in str(caught.value)
