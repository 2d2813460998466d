"""Whole runs against loops of their own, in float64: every mask equal, every weight to the last digits.

The loops share no code with `sdd` but for the examples that they are shown: networks, loss, optimizer, scores, counts
and masks are written out here.
"""

import math
from fractions import Fraction
from itertools import product

import pytest
import torch

from sdd.callbacks import LevelCallback
from sdd.data.loader import TrainLoader
from sdd.errors import UserError
from sdd.models import MLP
from sdd.seeding import derive_seed, torch_generator
from tests.networks import AttentionNet, TiedNet
from tests.small import level_state, small_data, small_run

LEVELS, EPOCHS, RATE, GAMMA, MOMENTUM, DECAY = 2, 2, 0.1, 0.9, 0.9, 1e-3


class Double(torch.nn.Module):
    """A network in float64."""

    def __init__(self, make):
        super().__init__()
        self.inner = make().double()

    def forward(self, images):
        return self.inner(images.double())


def linear(x, w, name):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def mlp(w, x):
    return linear(linear(linear(x.flatten(1), w, "hidden.0").clamp(min=0), w, "hidden.1").clamp(min=0), w, "fc")


def tied(w, x):
    x = linear(x.flatten(1), w, "input").clamp(min=0)
    for bias in ("a.bias", "b.bias", "a.bias"):
        x = torch.tanh(x @ w["a.weight"].T + w[bias])
    return linear(x, w, "fc")


def attention(w, x):
    rows = linear(x.reshape(-1, 8, 8), w, "input") + w["position"]
    queries, keys, values = (rows @ w["attention.in_proj_weight"].T + w["attention.in_proj_bias"]).split(12, -1)
    heads = []
    for head in (slice(0, 6), slice(6, 12)):
        weights = torch.softmax(queries[..., head] @ keys[..., head].transpose(1, 2) / math.sqrt(6), -1)
        heads.append(weights @ values[..., head])
    return linear(linear(torch.cat(heads, -1), w, "attention.out_proj").mean(1), w, "fc")


NETWORKS = {
    "mlp": (lambda: MLP(64, [10, 8], 10), mlp, ["hidden.0.weight", "hidden.1.weight"]),
    "tied": (TiedNet, tied, ["input.weight", "a.weight"]),
    "attention": (
        AttentionNet,
        attention,
        ["input.weight", "attention.in_proj_weight", "attention.out_proj.weight"],
    ),
}


def initial(make, level):
    torch.manual_seed(derive_seed(0, "initial weights", level))
    return {name: value.detach().clone() for name, value in make().double().named_parameters()}


def gradient_of(forward, weights, images, labels):
    leaves = {name: value.clone().requires_grad_() for name, value in weights.items()}
    logits = forward(leaves, images.double())
    loss = (torch.logsumexp(logits, 1) - logits[range(len(labels)), labels]).mean()
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


def train(forward, weights, masks, level, data, rate, keep_after=None, begin=0):
    """SGD with momentum and weight decay at rate(step), from step `begin`; also the weights before `keep_after`."""
    velocity, kept, step = {}, None, 0
    part = data.split("train")
    loader = TrainLoader(part.images, part.labels, 50, data.view(), seed=0)
    for epoch in range(EPOCHS):
        loader.position = (level, epoch)
        for images, labels in loader:
            if step == keep_after:
                kept = {name: value.clone() for name, value in weights.items()}
            if step < begin:
                step += 1
                continue
            for name, gradient in gradient_of(forward, weights, images, labels).items():
                gradient = (gradient + DECAY * weights[name]) * masks.get(name, 1)
                velocity[name] = MOMENTUM * velocity.get(name, 0) + gradient
                weights[name] = weights[name] - rate(step) * velocity[name]
            step += 1
    return weights, kept


def scores_of(criterion, forward, weights, names, level, data):
    if criterion == "random":
        draws = torch_generator(0, "random pruning", level)
        return {name: torch.rand(weights[name].shape, dtype=torch.float64, generator=draws) for name in names}
    if criterion == "gradient":
        ((images, labels),) = data.draw_batches(1, torch_generator(0, "gradient batches", level))
        gradients = gradient_of(forward, weights, images, labels)
        return {name: (weights[name] * gradients[name]).abs() for name in names}
    sign = {"magnitude": 1, "largest": -1}[criterion]
    return {name: sign * weights[name].abs() for name in names}


def groups_of(scope, names):
    """Which tensors are ranked together, and the fraction of their weights that goes."""
    if scope == "global":
        return [(names, Fraction(1, 2))]
    return [([name], Fraction(1, 4) if scope == "rates" and name == names[0] else Fraction(1, 2)) for name in names]


def prune(scores, masks, groups):
    new = {name: mask.clone() for name, mask in masks.items()}
    for names, fraction in groups:
        ranked = sorted(
            (score, place, name, index)
            for place, name in enumerate(names)
            for index, score in enumerate(scores[name].flatten().tolist())
            if masks[name].flatten()[index]
        )
        for _, _, name, index in ranked[: math.ceil(fraction * len(ranked))]:
            new[name].view(-1)[index] = False
    return new


def scheduled(step):
    return RATE * GAMMA**step


def trajectory(network, retrain, criterion, scope, rewind):
    """Weights and masks at the end of each level."""
    make, forward, names = NETWORKS[network]
    data = small_data()
    masks = {
        name: torch.ones(value.shape, dtype=torch.bool) for name, value in initial(make, 0).items() if name in names
    }
    weights, kept = train(forward, initial(make, 0), masks, 0, data, scheduled, keep_after=rewind)
    levels = [(weights, masks)]
    for level in range(1, LEVELS + 1):
        masks = prune(scores_of(criterion, forward, weights, names, level, data), masks, groups_of(scope, names))
        start = {"lottery": kept, "scratch": initial(make, level)}.get(retrain, weights)
        start = {name: value * masks.get(name, 1) for name, value in start.items()}
        rate = (lambda _: 0.02) if retrain == "finetune" else scheduled
        begin = rewind if retrain in {"lottery", "lr_rewind"} else 0
        weights, _ = train(forward, start, masks, level, data, rate, begin=begin)
        levels.append((weights, masks))
    return levels


def cases():
    """Every retraining mode × criterion × scope, and other networks; a few of them are among the fast tests."""
    quick = {
        ("mlp", "lottery", "gradient", "global"),
        ("mlp", "scratch", "random", "layer"),
        ("mlp", "finetune", "largest", "rates"),
        ("tied", "lottery", "gradient", "global"),
        ("attention", "lr_rewind", "magnitude", "layer"),
    }
    modes, criteria, scopes = (
        ("lottery", "lr_rewind", "finetune", "scratch"),
        ("magnitude", "gradient", "random", "largest"),
        ("global", "layer", "rates"),
    )
    every = product(["mlp"], modes, criteria, scopes)
    others = product(["tied", "attention"], modes, criteria[:2], scopes[:2])
    return [
        pytest.param(*case, marks=[] if case in quick else pytest.mark.slow, id="-".join(case))
        for case in (*every, *others)
    ]


@pytest.mark.parametrize(("network", "retrain", "criterion", "scope"), cases())
def test_a_run_is_the_one_of_plain_loops(tmp_path, network, retrain, criterion, scope):
    make, _, names = NETWORKS[network]
    # In the middle of the first epoch of 4 steps, or of the second, or not at all.
    rewind = {"gradient": 3, "magnitude": 5}.get(criterion, 0)

    def sgd(parameters):
        return torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)

    small_run(
        tmp_path,
        build=lambda: Double(make),
        optimizer=sgd,
        lr_scheduler=lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, GAMMA),
        lr_interval="step",
        levels=LEVELS,
        fraction=0.5,
        epochs_per_level=EPOCHS,
        retrain=retrain,
        criterion=criterion,
        scope=scope,
        scope_args={"rates": {f"inner.{names[0]}": 0.25}} if scope == "rates" else None,
        rewind_steps=rewind,
        finetune_lr=0.02,
        exclude=["inner.fc.weight"],
    )
    for level, (weights, masks) in enumerate(trajectory(network, retrain, criterion, scope, rewind)):
        trained, found = level_state(tmp_path, level)
        assert set(found) == {f"inner.{name}" for name in names}
        for name, mask in masks.items():
            assert torch.equal(found[f"inner.{name}"], mask), (level, name)
            assert bool((trained[f"inner.{name}"][~mask] == 0).all())
        for name, value in weights.items():
            torch.testing.assert_close(trained[f"inner.{name}"], value, rtol=1e-9, atol=1e-11)


class Rates(LevelCallback):
    """Rate and batch of every step, by level."""

    def __init__(self):
        self.seen = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        level = next(one for one in trainer.callbacks if hasattr(one, "last_level")).level
        self.seen.append((level, trainer.optimizers[0].param_groups[0]["lr"], batch[1].tolist()))


@pytest.mark.parametrize(
    ("rewind", "trainer", "left_out"),
    [
        (6, {}, 6),  # in the middle of the second epoch of 4 batches
        (4, {}, 4),  # between two epochs
        (3, {"accumulate_grad_batches": 2}, 6),  # 2 steps an epoch of 2 batches each
        (4, {"limit_train_batches": 3}, 4),  # 3 batches an epoch
    ],
)
def test_a_rewound_level_trains_the_batches_and_rates_that_level_0_had_after_the_step(
    tmp_path, rewind, trainer, left_out
):
    def schedule(optimizer):
        return torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2], gamma=0.5)

    rates = Rates()
    arguments = {"levels": 1, "epochs_per_level": 3, "rewind_steps": rewind, "lr_scheduler": schedule}
    run, *_ = small_run(tmp_path, rates, trainer=trainer, **arguments)
    dense, rewound = ([seen[1:] for seen in rates.seen if seen[0] == level] for level in (0, 1))
    assert [rate for rate, _ in rewound] == [rate for rate, _ in dense[left_out:]]
    part = small_data().split("train")
    loader = TrainLoader(part.images, part.labels, 50, small_data().view(), seed=0)
    batches = []
    for epoch in range(3):
        loader.position = (1, epoch)
        batches += [labels.tolist() for _, labels in loader][: trainer.get("limit_train_batches")]
    assert [labels for _, labels in rewound] == batches[left_out:]
    assert run.current_epoch == run.max_epochs

    again = Rates()
    small_run(tmp_path / "whole", again, trainer=trainer, rewind_schedule=False, **arguments)
    assert [seen[1] for seen in again.seen if seen[0] == 1] == [rate for rate, _ in dense]


def test_a_rewinding_that_leaves_no_step_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"rewind_steps is 8, all steps of a level.*rewind_schedule false"):
        small_run(tmp_path, levels=1, epochs_per_level=2, rewind_steps=8)
    assert not (tmp_path / "curve.csv").exists()
