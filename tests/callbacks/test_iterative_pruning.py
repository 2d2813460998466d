import math
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from torch.nn import functional

from sdd.analysis.curve import read_curve
from sdd.callbacks import LevelCallback
from sdd.data.loader import TrainLoader
from sdd.errors import UserError
from sdd.losses import LOSSES
from sdd.pruning.criteria import Scoring
from sdd.pruning.prune import Pruner
from sdd.pruning.schedules import OfRemaining
from sdd.seeding import derive_seed, torch_generator
from tests.small import NormNet, level_state, sgd, small_data, small_net, small_run


def adam(parameters):
    return torch.optim.Adam(parameters, lr=0.01, weight_decay=1e-2)


class Shaken(torch.optim.SGD):
    """Moves every weight at every step, whatever its gradient; stands for optimizers that couple weights."""

    def step(self, closure=None):
        loss = super().step(closure)
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.add_(0.001)
        return loss


def shaken(parameters):
    return Shaken(parameters, lr=0.1)


class Probe(LevelCallback):
    """Looks at the network at every step and keeps what each level started from."""

    def __init__(self):
        self.starts, self.masks, self.momenta, self.rates, self.steps = [], [], [], [], 0

    def on_level_start(self, trainer, pl_module, level):
        self.starts.append({name: value.clone() for name, value in pl_module.net.state_dict().items()})
        self.masks.append({name: mask.clone() for name, mask in level.masks.items()})
        self.momenta.append(sum(len(state) for state in trainer.optimizers[0].state.values()))

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])
        self.check(pl_module)

    def on_train_epoch_end(self, trainer, pl_module):
        self.check(pl_module)

    def check(self, pl_module):
        for name, weight in pl_module.net.named_parameters():
            if name in pl_module.masks:
                assert bool((weight[~pl_module.masks[name]] == 0).all()), f"{name} came back"
                self.steps += 1


class Starts(LevelCallback):
    """Keeps what each level started from."""

    def __init__(self):
        self.starts = []

    def on_level_start(self, trainer, pl_module, level):
        self.starts.append({name: value.clone() for name, value in pl_module.net.state_dict().items()})


@pytest.mark.parametrize("optimizer", [sgd, adam, shaken])
@pytest.mark.parametrize("retrain", ["lottery", "lr_rewind", "finetune", "scratch"])
def test_removed_weights_are_exactly_zero_at_every_step(tmp_path, optimizer, retrain):
    probe = Probe()
    small_run(tmp_path, probe, optimizer=optimizer, retrain=retrain)
    assert probe.steps == 2 * (4 * 2 * 4 + 4 * 2)  # two tensors; each step's start, each epoch's end
    assert not all(bool(mask.all()) for mask in probe.masks[3].values())


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("criterion", ["magnitude", "gradient", "random"])
def test_masks_are_nested_and_remove_the_exact_count(tmp_path, criterion, scope):
    small_run(tmp_path, criterion=criterion, scope=scope, fraction=0.3, epochs_per_level=1)
    rows = read_curve(tmp_path / "curve.csv")
    sizes = [64 * 16, 16 * 8]
    groups = [sum(sizes)] if scope == "global" else sizes
    before = None
    for level, row in enumerate(rows):
        _, masks = level_state(tmp_path, level)
        assert set(masks) == {"hidden.0.weight", "hidden.1.weight"}
        assert sum(int(mask.sum()) for mask in masks.values()) == row["remaining"] == sum(groups)
        assert row["sparsity"] == (sum(sizes) - row["remaining"]) / sum(sizes)
        assert row["remaining_fraction"] == row["remaining"] / sum(sizes)
        if before is not None:
            assert not any(bool((masks[name] & ~before[name]).any()) for name in masks)
        before = masks
        groups = [count - math.ceil(0.3 * count) for count in groups]


def test_magnitude_removes_the_smallest_trained_weights(tmp_path):
    small_run(tmp_path, levels=1)
    net, _ = level_state(tmp_path, 0)
    _, masks = level_state(tmp_path, 1)
    kept = torch.cat([net[name].abs()[mask] for name, mask in masks.items()])
    gone = torch.cat([net[name].abs()[~mask] for name, mask in masks.items()])
    assert gone.max() <= kept.min()


@pytest.mark.parametrize("criterion", ["snip", "synflow"])
def test_masks_at_initialisation_are_those_of_the_first_weights_whatever_is_trained(tmp_path, criterion):
    _, _, driver = small_run(tmp_path / "a", criterion=criterion, levels=2, epochs_per_level=1, frozen="final")
    other = {"retrain": "finetune", "optimizer": adam, "frozen": "initial"}
    small_run(tmp_path / "b", criterion=criterion, levels=2, epochs_per_level=2, **other)
    masks = {
        name: torch.ones_like(driver._initial[name], dtype=torch.bool) for name in level_state(tmp_path / "a", 0)[1]
    }
    data, loss = small_data(seed=0), LOSSES.get("cross_entropy")
    for level in (1, 2):
        net = small_net()
        net.load_state_dict(driver._initial)
        with torch.no_grad():
            for name, mask in masks.items():
                net.get_parameter(name).mul_(mask)
        parameters = {name: net.get_parameter(name) for name in masks}
        generator = torch_generator(0, "gradient batches", level)
        drawn = data.draw_batches(1, generator)
        scoring = Scoring(net, parameters, masks, lambda count, drawn=drawn: drawn, generator, loss)
        masks = Pruner([OfRemaining(0.5)] * 2, criterion, None, "global", None).masks(level, scoring)
        for run in "ab":
            assert all(torch.equal(masks[name], held) for name, held in level_state(tmp_path / run, level)[1].items())


@pytest.mark.parametrize("rewind_steps", [0, 3, 7])
def test_lottery_rewinds_to_exactly_the_stored_weights_and_statistics(tmp_path, rewind_steps):
    class Keeper(pl.Callback):
        def __init__(self):
            self.kept = {}

        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            self.keep(trainer.global_step, pl_module)

        def on_train_epoch_end(self, trainer, pl_module):
            self.keep(trainer.global_step, pl_module)

        def keep(self, step, pl_module):
            self.kept.setdefault(step, {n: v.clone() for n, v in pl_module.net.state_dict().items()})

    probe, keeper = Probe(), Keeper()
    small_run(tmp_path, probe, keeper, build=NormNet, rewind_steps=rewind_steps)
    stored = keeper.kept[rewind_steps]
    for level in (1, 2, 3):
        masks = probe.masks[level]
        for name, value in probe.starts[level].items():
            expected = stored[name] * masks[name] if name in masks else stored[name]
            assert torch.equal(value, expected), (level, name)
    assert probe.momenta == [0, 0, 0, 0], "the optimizer's state must restart"


def test_lr_rewind_goes_on_from_the_trained_weights(tmp_path):
    probe = Probe()
    small_run(tmp_path, probe, build=NormNet, retrain="lr_rewind")
    for level in (1, 2, 3):
        trained, _ = level_state(tmp_path, level - 1)
        masks = probe.masks[level]
        for name, value in probe.starts[level].items():
            expected = trained[name] * masks[name] if name in masks else trained[name]
            assert torch.equal(value, expected), (level, name)


def test_scratch_draws_other_weights_at_every_level_and_the_same_for_the_same_seed(tmp_path):
    first, second = Probe(), Probe()
    small_run(tmp_path / "a", first, retrain="scratch")
    small_run(tmp_path / "b", second, retrain="scratch")
    for level in range(4):
        assert torch.equal(first.starts[level]["fc.weight"], second.starts[level]["fc.weight"])
        for other in range(level):
            assert not torch.equal(first.starts[level]["fc.weight"], first.starts[other]["fc.weight"])


def test_the_schedule_restarts_at_every_level_and_finetuning_has_its_own_rate(tmp_path):
    def halve(optimizer):
        return torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1], gamma=0.5)

    lottery, finetune, by_step = Probe(), Probe(), Probe()
    small_run(tmp_path / "a", lottery, lr_scheduler=halve)
    assert lottery.rates == ([0.1] * 4 + [0.05] * 4) * 4
    small_run(tmp_path / "b", finetune, lr_scheduler=halve, retrain="finetune", finetune_lr=0.003)
    assert finetune.rates == [0.1] * 4 + [0.05] * 4 + [0.003] * 24
    small_run(tmp_path / "c", by_step, lr_scheduler=halve, lr_interval="step")
    assert by_step.rates == ([0.1] + [0.05] * 7) * 4


def test_one_constant_rate_is_refused_where_groups_of_parameters_have_rates_of_their_own(tmp_path):
    def two_rates(parameters):
        first, *others = parameters
        return torch.optim.SGD([{"params": [first], "lr": 0.1}, {"params": others, "lr": 0.01}])

    small_run(tmp_path / "a", optimizer=two_rates, levels=1)
    with pytest.raises(UserError, match=r"groups of the rates 0\.01, 0\.1; retraining at one constant rate"):
        small_run(tmp_path / "b", optimizer=two_rates, levels=1, retrain="finetune")


def test_explicit_sparsities_give_one_shot_pruning(tmp_path):
    small_run(tmp_path, sparsities=[0.9])
    assert [row["remaining"] for row in read_curve(tmp_path / "curve.csv")] == [1152, 1152 - 1037]


def test_a_level_trains_as_a_fresh_process_would_from_its_weights_and_mask(tmp_path):
    """The oracle is a plain loop that knows nothing of levels before: it gets weights, mask, seed and numbers."""
    probe = Probe()
    small_run(tmp_path, probe, build=NormNet, seed=5)
    data = small_data(seed=5)
    train = data.split("train")
    for level in (0, 1, 3):
        net = NormNet()
        net.load_state_dict(probe.starts[level])
        optimizer = sgd(net.parameters())
        loader = TrainLoader(train.images, train.labels, 50, data.view(), seed=5)
        masks = probe.masks[level]
        for epoch in range(2):
            torch.manual_seed(derive_seed(5, "network", level, epoch, 0))
            loader.position = (level, epoch)
            for images, labels in loader:
                optimizer.zero_grad()
                functional.cross_entropy(net(images), labels).backward()
                optimizer.step()
                with torch.no_grad():
                    for name, weight in net.named_parameters():
                        if name in masks:
                            weight.mul_(masks[name])
        trained, _ = level_state(tmp_path, level)
        assert all(torch.equal(value, trained[name]) for name, value in net.state_dict().items()), level


def test_rows_are_right_by_an_independent_recount(tmp_path):
    small_run(tmp_path, build=NormNet)
    data = small_data()
    train, test = data.split("train"), data.split("test")
    mean, std = data.content.mean[0], data.content.std[0]
    initial = None
    for level, row in enumerate(read_curve(tmp_path / "curve.csv")):
        state, masks = level_state(tmp_path, level)
        net = NormNet().double()
        net.load_state_dict(state)
        net.eval()
        with torch.no_grad():
            logits = [net((part.images.double() / 255 - mean) / std) for part in (train, test)]
        hits = [(guess.argmax(1) == part.labels).tolist() for guess, part in zip(logits, (train, test), strict=True)]
        flipped = (train.labels != train.true_labels).tolist()
        assert row["train_acc"] == sum(hits[0]) / 200
        assert row["test_acc"] == sum(hits[1]) / 797
        wrong = [hit for hit, flip in zip(hits[0], flipped, strict=True) if flip]
        kept = [hit for hit, flip in zip(hits[0], flipped, strict=True) if not flip]
        assert row["memorized"] == sum(wrong) / len(wrong)
        assert row["train_acc_kept"] == sum(kept) / len(kept)
        truth = (logits[0].argmax(1) == train.true_labels)[train.flipped]
        assert row["recovered"] == truth.sum().item() / len(truth)
        for name, guess, part in (("train", logits[0], train), ("test", logits[1], test)):
            losses = [torch.logsumexp(line, 0) - line[label] for line, label in zip(guess, part.labels, strict=True)]
            assert math.isclose(row[f"{name}_loss"], (sum(losses) / len(losses)).item(), rel_tol=1e-5)
        if initial is None:
            torch.manual_seed(derive_seed(0, "initial weights", 0))
            initial = dict(NormNet().named_parameters())
        total, moved = 0.0, 0.0
        for name, start in initial.items():
            start = start.detach().double()
            final = state[name].double()
            if name in masks:
                assert bool((final[~masks[name]] == 0).all())
                moved += (final - start)[masks[name]].square().sum().item()
            else:
                moved += (final - start).square().sum().item()
            total += (final - start).square().sum().item()
        assert math.isclose(row["distance"], math.sqrt(total), rel_tol=1e-9)
        assert math.isclose(row["distance_start"], math.sqrt(moved), rel_tol=1e-9)
        assert row["distance_init"] == row["distance_start"]
        assert (row["distance"] == row["distance_start"]) == (row["level"] == 0)


@pytest.mark.parametrize(
    "pruning",
    [
        {"retrain": "lottery", "rewind_steps": 3},
        {"retrain": "scratch"},
        pytest.param({"retrain": "lr_rewind", "frozen": "final"}, marks=pytest.mark.slow),
        pytest.param({"retrain": "finetune", "frozen": "initial", "rewind_steps": 2}, marks=pytest.mark.slow),
        pytest.param({"retrain": "lottery", "sparsities": [0.9]}, marks=pytest.mark.slow),
    ],
    ids=lambda pruning: "-".join(map(str, pruning.values())),
)
def test_the_learning_distance_is_from_the_dense_initialisation_however_a_level_starts(tmp_path, pruning):
    watch = Starts()
    small_run(tmp_path, watch, build=NormNet, **pruning)
    torch.manual_seed(derive_seed(0, "initial weights", 0))
    initial = {name: value.detach().double().clone() for name, value in NormNet().named_parameters()}
    for level, row in enumerate(read_curve(tmp_path / "curve.csv")):
        state, masks = level_state(tmp_path, level)
        squares = dict.fromkeys(("distance", "distance_init", "distance_start"), 0.0)
        for name, first in initial.items():
            mask = masks.get(name, torch.ones_like(first, dtype=torch.bool))
            final = state[name].double()
            squares["distance"] += (first - torch.where(mask, final, 0)).square().sum().item()
            squares["distance_init"] += (first - final)[mask].square().sum().item()
            squares["distance_start"] += (watch.starts[level][name].double() - final)[mask].square().sum().item()
        for name, square in squares.items():
            assert math.isclose(row[name], math.sqrt(square), rel_tol=1e-9), (level, name)


def test_removed_weights_do_not_count_in_the_clipped_gradient_norm(tmp_path):
    class Norms(pl.Callback):
        """Compares the gradient that is clipped with that of the surviving weights alone."""

        seen = 0

        def on_before_zero_grad(self, trainer, pl_module, optimizer):
            if trainer.current_epoch < 2 or pl_module.net.fc.weight.grad is None:
                return
            for name, mask in pl_module.masks.items():
                gradient = dict(pl_module.net.named_parameters())[name].grad
                assert bool((gradient[~mask] == 0).all())
            total = math.sqrt(sum(p.grad.square().sum().item() for p in pl_module.net.parameters()))
            assert math.isclose(total, 0.01, rel_tol=1e-4)
            Norms.seen += 1

    small_run(tmp_path, Norms(), trainer={"gradient_clip_val": 0.01})
    assert Norms.seen > 10


def test_a_network_that_loses_every_weight_is_reported_by_name_and_finishes(tmp_path, capsys):
    small_run(tmp_path, sparsities=[0.5, 1.0])
    assert "warning: level 2: no weight of hidden.0.weight, hidden.1.weight remains" in capsys.readouterr().err
    rows = read_curve(tmp_path / "curve.csv")
    assert rows[2]["remaining"] == 0
    assert rows[2]["sparsity"] == 1.0


def test_the_masks_do_not_depend_on_unrelated_draws(tmp_path):
    small_run(tmp_path / "a", criterion="gradient")
    torch.manual_seed(123)
    torch.rand(17)
    small_run(tmp_path / "b", criterion="gradient")
    for level in range(4):
        first, second = (level_state(tmp_path / run, level) for run in "ab")
        assert all(torch.equal(first[0][name], second[0][name]) for name in first[0])


def test_other_seeds_give_other_runs_on_the_same_noise(tmp_path):
    _, first, _ = small_run(tmp_path / "a", seed=0)
    _, second, _ = small_run(tmp_path / "b", seed=1)
    assert torch.equal(small_data(seed=0).split("train").labels, small_data(seed=1).split("train").labels)
    assert not torch.equal(first.net.fc.weight, second.net.fc.weight)


def test_a_diverging_run_ends_with_one_line_and_keeps_its_rows(tmp_path):
    def explode(parameters):
        return torch.optim.SGD(parameters, lr=1e30)

    with pytest.raises(UserError, match="diverged") as caught:
        small_run(tmp_path, optimizer=explode)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "summary.json").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"epochs_per_level": 0}, "epochs_per_level"),
        ({"rewind_steps": -1}, "rewind_steps"),
        ({"finetune_lr": 0.0}, "finetune_lr"),
        ({"finetune_lr": math.nan}, "finetune_lr is nan; it must be a number above 0"),
        ({"redense_lr": math.inf}, "redense_lr is inf; it must be a number above 0, or null"),
        ({"stop_loss": math.nan}, "stop_loss is nan"),
        ({"redense_lr": 0.1}, "redense_lr is for pruning.retrain redense, not lottery"),
        ({"exclude": ["nothing"]}, "nothing"),
        ({"rewind_steps": 9}, "only 8 steps"),
    ],
)
def test_impossible_arguments_are_refused_in_one_line(tmp_path, arguments, word):
    with pytest.raises(UserError, match=word) as caught:
        small_run(tmp_path, **arguments)
    assert "\n" not in str(caught.value)
    assert not (Path(tmp_path) / "curve.csv").exists()
