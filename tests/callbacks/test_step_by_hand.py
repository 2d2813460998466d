"""Steps whose gradients are taken by hand leave what autograd's leave, bit for bit, and are taken where they may be."""

import contextlib
from copy import deepcopy
from functools import partial
from types import MethodType, SimpleNamespace

import lightning.pytorch as pl
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lightning.pytorch.loops.progress import _Progress
from lightning.pytorch.plugins.precision import MixedPrecision, Precision
from torch import nn

from sdd.callbacks.lean_step import Step
from sdd.callbacks.step_by_hand import StepByHand, step_of
from sdd.errors import UserError
from sdd.models import MLP
from sdd.models.sparse_linear import sparse_linears
from sdd.module import Classifier
from tests.small import keep_both_checkpoints, level_state, small_run

SGD = partial(torch.optim.SGD, lr=0.1)


def clamping(parameters):
    """Make an SGD whose step has been given more to do; a schedule then wraps that."""
    optimizer = SGD(parameters, momentum=0.9)
    of_its_class = optimizer.step

    def step(self, closure=None):
        loss = of_its_class(closure)
        for parameter in self.param_groups[0]["params"]:
            parameter.data.clamp_(-0.1, 0.1)
        return loss

    optimizer.step = MethodType(step, optimizer)
    return optimizer


OPTIMIZERS = {
    "plain": SGD,
    "momentum": partial(SGD, momentum=0.9, weight_decay=1e-2),
    "damped": partial(SGD, momentum=0.5, dampening=0.3),
    "nesterov": partial(SGD, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "foreach": partial(SGD, momentum=0.9, foreach=True),
    "fused": partial(SGD, momentum=0.9, fused=True),
    "maximize": partial(SGD, momentum=0.9, maximize=True),
    "groups": lambda parameters: torch.optim.SGD(
        [{"params": [one], "lr": 0.1 / (2 + number)} for number, one in enumerate(parameters)], momentum=0.9
    ),
    "own step": clamping,
    "adam": partial(torch.optim.Adam, lr=0.01, weight_decay=0.1),
    "adamw": partial(torch.optim.AdamW, lr=0.01),
    "rmsprop": partial(torch.optim.RMSprop, lr=0.01, momentum=0.3),
}


class Masks(pl.Callback):
    """Takes the gradients of removed weights away, as the driver does."""

    def __init__(self, net, masks):
        self.masked = [(net.get_parameter(name), mask) for name, mask in masks.items()]

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        for parameter, mask in self.masked:
            if parameter.grad is not None:
                parameter.grad.mul_(mask)


def prepared(net, optimizer="momentum", *, masks=None, arithmetic="dense", clip=None, distills=False, **model):
    """Return what a Trainer is to a step, and a schedule that halves the rate at each of its moves."""
    module = Classifier(net, OPTIMIZERS[optimizer], **model)
    masks = masks or {}
    module.set_masks(masks)
    for name, mask in masks.items():
        net.get_parameter(name).data.mul_(mask)
    module.sparse_linears = sparse_linears(arithmetic, net, masks)
    if distills:
        torch.manual_seed(5)
        module.distill_weight = 0.3
        module.teach(deepcopy(net))
    made = module.optimizer(module.net.parameters())
    trainer = SimpleNamespace(
        optimizers=[made],
        lightning_module=module,
        precision_plugin=Precision(),
        callbacks=[Masks(net, masks)],
        gradient_clip_val=clip,
        gradient_clip_algorithm="norm" if clip else None,
    )
    module.configure_gradient_clipping = lambda optimizer, value, kind: torch.nn.utils.clip_grad_norm_(
        module.net.parameters(), value
    )
    return trainer, torch.optim.lr_scheduler.ExponentialLR(made, 0.5)


def state_after(trainer, schedule, batches, make):
    """Take two epochs of steps; return losses, parameters, gradients and the optimizer's state."""
    losses = []
    for _ in range(2):
        with make(trainer, _Progress()) as step:
            losses += [step.take(batch, number) for number, batch in enumerate(batches)]
        schedule.step()
    module, optimizer = trainer.lightning_module, trainer.optimizers[0]
    return {
        "losses": losses,
        "noted": module._losses,
        "parameters": [one.detach() for one in module.net.parameters()],
        "gradients": [one.grad for one in module.net.parameters()],
        "optimizer": optimizer.state_dict(),
    }


def assert_same_bits(one, other):
    torch.testing.assert_close(one, other, rtol=0, atol=0)


def compare(net, batches, **setting):
    """Take the same steps by hand and by autograd."""
    ours, theirs = prepared(deepcopy(net), **setting), prepared(deepcopy(net), **setting)
    assert type(step_of(ours[0], _Progress())) is StepByHand
    assert_same_bits(state_after(*ours, batches, step_of), state_after(*theirs, batches, Step))


def examples(sizes, features, dtype=torch.float32):
    generator = torch.Generator().manual_seed(3)
    return [
        (
            torch.randn(rows, 1, features, generator=generator, dtype=dtype),
            torch.randint(4, (rows,), generator=generator),
        )
        for rows in sizes
    ]


def removed(net, density, seed=0):
    generator = torch.Generator().manual_seed(seed)
    names = [name for name, one in net.named_parameters() if one.ndim == 2]
    return {name: torch.rand(net.get_parameter(name).shape, generator=generator) < density for name in names[:-1]}


@settings(max_examples=40, deadline=None)
@example(7, [1], [1], "plain", 0.0, "dense", torch.float32)  # a layer of one input, a batch of one
@given(
    features=st.integers(1, 9),
    widths=st.lists(st.integers(1, 8), min_size=0, max_size=3),
    sizes=st.lists(st.sampled_from([1, 2, 5, 16]), min_size=1, max_size=3),
    optimizer=st.sampled_from(["plain", "momentum", "damped", "nesterov"]),
    density=st.sampled_from([0.0, 0.2, 0.6, 1.0]),
    arithmetic=st.sampled_from(["dense", "sparse", "auto"]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_any_fully_connected_network_learns_the_same_bits(
    features, widths, sizes, optimizer, density, arithmetic, dtype
):
    torch.manual_seed(1)
    net = MLP(features, widths, 4).to(dtype)
    compare(
        net,
        examples(sizes, features, dtype),
        optimizer=optimizer,
        masks=removed(net, density),
        arithmetic=arithmetic,
    )


@pytest.mark.parametrize("density", [0.3, 0.08, 0.01])
@pytest.mark.parametrize("arithmetic", ["sparse", "auto"])
def test_networks_of_the_papers_size_learn_the_same_bits(density, arithmetic):
    torch.manual_seed(2)
    net = MLP(64, (300, 100), 10)
    setting = {"masks": removed(net, density), "arithmetic": arithmetic}
    compare(net, examples([128, 128, 40], 64), **setting)
    if arithmetic == "auto":
        layers = sparse_linears(arithmetic, net, setting["masks"])
        layers.plan([*net.hidden, net.fc], 128)
        expected = {0.3: [], 0.08: ["hidden.0.weight", "hidden.1.weight"], 0.01: ["hidden.0.weight", "hidden.1.weight"]}
        assert layers.used == expected[density]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers_that_are_not_known_by_heart_are_asked(optimizer):
    torch.manual_seed(2)
    net = MLP(6, (5, 4), 4)
    compare(net, examples([8, 8, 3], 6), optimizer=optimizer, masks=removed(net, 0.5))


@pytest.mark.parametrize("arithmetic", ["dense", "sparse"])
def test_a_momentum_that_is_zero_when_an_epoch_begins_comes_back_with_what_it_has_gathered(arithmetic):
    torch.manual_seed(2)
    net, batches, states = MLP(6, (5, 4), 4), examples([8, 8], 6), []
    for make in (step_of, Step):
        trainer, _ = prepared(deepcopy(net), masks=removed(net, 0.5), arithmetic=arithmetic)
        group = trainer.optimizers[0].param_groups[0]
        for momenta in ([0.9, 0.9], [0.0, 0.9]):
            with make(trainer, _Progress()) as step:
                for number, group["momentum"] in enumerate(momenta):
                    step.take(batches[number], number)
        states.append([*trainer.lightning_module.net.parameters()])
    assert_same_bits(*states)


@pytest.mark.parametrize(
    "setting",
    [
        {"clip": 0.05},
        {"distills": True},
        {"loss_args": {"label_smoothing": 0.2}},
        {"loss": "generalized_cross_entropy"},
        {"loss": "torch.nn.functional.multi_margin_loss"},
        {"loss": f"{__name__}.centred"},
    ],
    ids=["clipping", "teacher", "smoothing", "robust loss", "foreign loss", "loss in place"],
)
def test_whatever_is_minimised_the_bits_are_the_same(setting):
    torch.manual_seed(2)
    net = MLP(6, (5, 4), 4)
    compare(net, examples([8, 8, 3], 6), masks=removed(net, 0.5), **setting)


@pytest.mark.parametrize("step", [Step, step_of])
def test_sparse_steps_are_deterministic_to_pytorch(step):
    net = NET()
    trainer, schedule = prepared(net, masks=removed(net, 0.5), arithmetic="sparse")
    torch.use_deterministic_algorithms(True)
    try:
        state_after(trainer, schedule, examples([4], 6), step)
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("between", [nn.ReLU, partial(nn.ReLU, inplace=True)])
def test_a_sequence_of_layers_is_a_chain_with_and_without_biases(between):
    torch.manual_seed(2)
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 5, bias=False), between(), nn.Linear(5, 4))
    compare(net, examples([8, 3], 6), masks=removed(net, 0.5))
    compare(net, examples([8, 3], 6), masks=removed(net, 0.5), arithmetic="sparse")


def test_a_layer_that_was_given_another_weight_computes_with_all_of_it():
    torch.manual_seed(2)
    net = NET()
    trainer, _ = prepared(net, masks=removed(net, 0.5), arithmetic="sparse")
    net.hidden[0].weight = nn.Parameter(torch.randn(6, 6))
    plans = trainer.lightning_module.sparse_linears.plan([*net.hidden, net.fc], 4)
    assert [plan is not None for plan in plans] == [False, True, False]


def centred(outputs, labels):
    outputs -= outputs.mean(1, keepdim=True)
    return nn.functional.cross_entropy(outputs, labels)


class Doubled(MLP):
    def forward(self, images):
        return 2 * super().forward(images)


class Own(nn.Linear):
    def forward(self, features):
        return super().forward(features) + 1


class OwnStep(torch.optim.SGD):
    pass


def hooked(net):
    net.hidden[0].register_forward_hook(lambda *_: None)
    return net


def listened_to(net):
    net.fc.weight.register_hook(lambda gradient: gradient)
    return net


def frozen(net):
    net.fc.bias.requires_grad_(False)
    return net


def tied(net):
    net.hidden[1].weight = net.hidden[0].weight
    return net


def own_layer(net):
    net.hidden[1] = Own(6, 6)
    return net


def normalised(net):
    return nn.utils.parametrizations.weight_norm(net.fc) and net


NET = partial(MLP, 6, (6, 6), 4)


@pytest.mark.parametrize(
    "net",
    [
        lambda: Doubled(6, (5,), 4),
        lambda: hooked(NET()),
        lambda: listened_to(NET()),
        lambda: frozen(NET()),
        lambda: tied(NET()),
        lambda: own_layer(NET()),
        lambda: normalised(NET()),
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4)),
        lambda: nn.Sequential(nn.Flatten(2), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4)),
        lambda: nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4)),
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Dropout(), nn.Linear(5, 4)),
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.ReLU()),
        lambda: nn.Sequential(),
        lambda: NET().bfloat16(),
    ],
)
def test_networks_that_do_more_are_left_to_autograd(net):
    trainer, _ = prepared(net()) if len([*net().parameters()]) else prepared(nn.Linear(2, 2))
    assert type(step_of(trainer, _Progress())) is Step


@pytest.mark.parametrize(
    "change",
    [
        lambda trainer: trainer.optimizers[0].register_step_pre_hook(lambda *_: None),
        lambda trainer: setattr(trainer, "precision_plugin", MixedPrecision("bf16-mixed", "cpu")),
        lambda trainer: setattr(trainer.lightning_module, "distance_penalty", 0.1),
        lambda trainer: setattr(trainer.lightning_module, "_compile_args", {}),
        lambda trainer: setattr(trainer.lightning_module, "forward", lambda images: images),
        lambda trainer: setattr(trainer.callbacks[0], "on_after_backward", lambda *_: None),
        lambda trainer: setattr(trainer, "optimizers", [OwnStep(trainer.lightning_module.net.parameters(), lr=0.1)]),
        lambda trainer: setattr(trainer, "optimizers", [SGD(trainer.lightning_module.net.fc.parameters())]),
    ],
    ids=["optimizer's hook", "bf16", "penalty", "compiled", "forward", "hook", "optimizer", "part of the network"],
)
def test_settings_that_ask_for_more_are_left_to_autograd(change):
    trainer, _ = prepared(NET())
    assert type(step_of(trainer, _Progress())) is StepByHand
    change(trainer)
    assert type(step_of(trainer, _Progress())) is Step


def test_sparse_layers_under_an_optimizer_that_is_only_asked_stay_sparse():
    net = NET()
    trainer, _ = prepared(net, "adam", masks=removed(net, 0.5), arithmetic="sparse")
    step = step_of(trainer, _Progress())
    assert type(step) is Step
    step.take(examples([4], 6)[0], 0)
    assert trainer.lightning_module.sparse_linears.used


def test_anomalies_are_looked_for_by_autograd():
    trainer, _ = prepared(NET())
    with torch.autograd.detect_anomaly(check_nan=False):
        assert type(step_of(trainer, _Progress())) is Step


def test_what_goes_wrong_is_named_as_by_autograd():
    trainer, _ = prepared(NET())
    images, labels = examples([4], 6)[0]
    step = step_of(trainer, _Progress())
    with pytest.raises(UserError, match=r"model\.loss cross_entropy"):
        step.take((images, labels + 4), 0)
    with pytest.raises(UserError, match="the network"):
        step.take((images[..., :5], labels), 0)


def test_an_epoch_that_breaks_off_leaves_weights_and_state_whole():
    torch.manual_seed(2)
    net = MLP(6, (5, 4), 4)
    setting = {"masks": removed(net, 0.5), "arithmetic": "sparse"}
    (ours, _), (theirs, _) = prepared(deepcopy(net), **setting), prepared(deepcopy(net), **setting)
    batch = examples([4], 6)[0]
    Step(theirs, _Progress()).take(batch, 0)
    with contextlib.suppress(KeyboardInterrupt), step_of(ours, _Progress()) as step:
        step.take(batch, 0)
        raise KeyboardInterrupt
    assert_same_bits([*ours.lightning_module.net.parameters()], [*theirs.lightning_module.net.parameters()])
    assert_same_bits(ours.optimizers[0].state_dict(), theirs.optimizers[0].state_dict())


@pytest.mark.parametrize("arithmetic", ["dense", "sparse"])
def test_a_run_takes_its_gradients_by_hand_and_goes_on_to_the_same_end(tmp_path, monkeypatch, arithmetic):
    keep_both_checkpoints(monkeypatch)
    settings_of = {"levels": 1, "fraction": 0.9, "epochs_per_level": 3, "arithmetic": arithmetic}
    trainer, _, _ = small_run(tmp_path / "whole", **settings_of)
    assert trainer.fit_loop.epoch_loop.epochs_by_hand == trainer.fit_loop.epoch_loop.lean_epochs == 6
    before_last = sorted((tmp_path / "whole" / "checkpoints").iterdir())[0]
    small_run(tmp_path / "resumed", ckpt_path=before_last, **settings_of)
    assert_same_bits(level_state(tmp_path / "resumed", 1), level_state(tmp_path / "whole", 1))
