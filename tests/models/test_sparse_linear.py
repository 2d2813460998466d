"""Layers that compute by their surviving weights alone: right to rounding, or exactly the dense computation."""

import copy
import io
import re

import lightning.pytorch as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.checkpoint import checkpoint

from sdd.callbacks import IterativePruning
from sdd.callbacks.trainer_settings import check_trainer_arithmetic
from sdd.errors import UserError
from sdd.models import MLP
from sdd.models.sparse_linear import check_arithmetic, sparse_linears
from sdd.models.sparse_products import pays
from tests.networks import AttentionNet, NormedNet, RecurrentNet, TiedEmbedding, TiedNet
from tests.small import NormNet, curve_without_seconds, level_state, small_run


def pruned(net, density, seed=0):
    """Set weights of two dimensions to zero at random; returns the masks by first name."""
    generator = torch.Generator().manual_seed(seed)
    masks = {}
    for name, weight in net.named_parameters():
        if weight.ndim == 2:
            masks[name] = torch.rand(weight.shape, generator=generator) < density
            weight.data *= masks[name]
    return masks


def learn(net, inputs, layers=None):
    """Return outputs and all gradients, the inputs' last, of a sum of cubes; with `layers` swapped in where given."""
    inputs = inputs.clone().requires_grad_()
    for parameter in net.parameters():
        parameter.grad = None
    if layers is None:
        outputs = net(inputs)
    else:
        with layers:
            outputs = net(inputs)
    outputs.pow(3).sum().backward()
    grads = {name: parameter.grad for name, parameter in net.named_parameters()}
    return outputs.detach(), grads | {"inputs": inputs.grad}


def masked(grads, masks):
    return {name: grad * masks[name] if name in masks else grad for name, grad in grads.items()}


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 9),
    features=st.integers(1, 7),
    outputs=st.integers(1, 7),
    density=st.sampled_from([0.0, 0.1, 0.5, 0.9]),
    bias=st.booleans(),
    words=st.sampled_from([(), (3,), (2, 2)]),
    seed=st.integers(0, 999),
)
def test_any_mask_gives_the_products_of_dense_arithmetic(rows, features, outputs, density, bias, words, seed):
    torch.manual_seed(seed)
    layer = nn.Linear(features, outputs, bias=bias, dtype=torch.float64)
    masks = pruned(layer, density, seed)
    inputs = torch.randn(rows, *words, features, dtype=torch.float64)
    layers = sparse_linears("sparse", layer, masks)
    got, grads = learn(layer, inputs, layers)
    expected, dense = learn(layer, inputs)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(grads, masked(dense, masks), rtol=1e-11, atol=1e-11)
    assert layers.used == ([] if masks["weight"].all() else ["weight"])
    assert bool((grads["weight"][~masks["weight"]] == 0).all())


@pytest.mark.parametrize("density", [0.2, 0.01])
def test_gradients_in_32_bits_are_as_close_to_those_in_64_as_dense_ones(density):
    torch.manual_seed(1)
    net = MLP(64, [300, 100], 10)
    masks = pruned(net, density)
    inputs = torch.randn(128, 64)
    _, exact = learn(copy.deepcopy(net).double(), inputs.double())
    errors = []
    for layers in (None, sparse_linears("sparse", net, masks)):
        _, grads = learn(net, inputs, layers)
        parts = [(grads[name].double() - exact[name]) * masks.get(name, 1) for name in grads]
        errors.append([float(part.norm() / exact[name].norm()) for part, name in zip(parts, grads, strict=True)])
    assert all(sparse <= 3 * dense + 1e-7 for dense, sparse in zip(*errors, strict=True))
    assert max(errors[1]) < 1e-5


@pytest.mark.parametrize("build", [TiedNet, TiedEmbedding, AttentionNet, RecurrentNet, NormedNet, NormNet])
def test_networks_of_every_kind_learn_the_same(build):
    torch.manual_seed(2)
    net = build().double()
    masks = {name: mask for name, mask in pruned(net, 0.4).items() if "position" not in name}
    images = torch.randn(6, 1, 8, 8, dtype=torch.float64)
    layers = sparse_linears("sparse", net, masks)
    got, grads = learn(net, images, layers) if build is not TiedEmbedding else learn(net, images * 0.1, layers)
    state = copy.deepcopy(net.state_dict())
    expected, dense = learn(net, images) if build is not TiedEmbedding else learn(net, images * 0.1)
    if build is not NormNet and build is not NormedNet:  # those move their statistics at each pass
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)
        kept = {name for name, grad in dense.items() if grad is not None}
        torch.testing.assert_close(
            {name: masked(grads, masks)[name] for name in kept},
            {name: masked(dense, masks)[name] for name in kept},
            rtol=1e-8,
            atol=1e-8,
        )
    assert layers.used
    assert state.keys() == net.state_dict().keys()


def test_one_thread_computes_what_two_compute_and_again_what_it_computed():
    torch.manual_seed(3)
    net = MLP(784, [300, 100], 10)
    masks = pruned(net, 0.05)
    inputs = torch.randn(64, 784)
    threads = torch.get_num_threads()
    found = []
    try:
        for number in (1, 1, 2):
            torch.set_num_threads(number)
            found.append(learn(net.hidden[0], inputs, sparse_linears("sparse", net, masks)))
    finally:
        torch.set_num_threads(threads)
    for outputs, grads in found[1:]:
        assert torch.equal(outputs, found[0][0])
        assert all(torch.equal(grads[name], grad) for name, grad in found[0][1].items())


class Checkpointed(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, inputs):
        return checkpoint(self.layer, inputs, use_reentrant=False)


class Batched(Checkpointed):
    def forward(self, inputs):
        return torch.func.vmap(self.layer)(inputs)


class Own(nn.Linear):
    """A linear layer of one's own."""


def test_where_products_are_something_else_layers_are_exactly_dense():
    torch.manual_seed(4)
    layer, inputs = nn.Linear(8, 5), torch.randn(6, 8)
    masks = pruned(layer, 0.5)
    plain, dense = learn(layer, inputs)
    layers = sparse_linears("sparse", layer, masks)
    for net in (Checkpointed(layer), Batched(layer)):
        outputs, grads = learn(net, inputs, layers)
        assert torch.equal(outputs, plain)
        assert torch.equal(grads["layer.weight"], dense["weight"])
    with layers, torch.no_grad():
        assert torch.equal(layer(inputs), plain)
    with layers, torch.autocast("cpu", torch.bfloat16):
        assert layer(inputs).dtype == torch.bfloat16
    with layers:
        other = torch.func.functional_call(layer, {"weight": torch.ones(5, 8), "bias": torch.zeros(5)}, inputs)
        empty = layer(torch.zeros(0, 8))
    torch.testing.assert_close(other, inputs.sum(1, keepdim=True).expand(6, 5))
    assert empty.shape == (0, 5)
    assert layers.used == []
    own = Own(8, 5)
    with sparse_linears("sparse", own, pruned(own, 0.5)):
        assert "forward" not in vars(own)
    with layers, pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        layer(torch.zeros(3, 7))


def test_a_gradient_that_is_differentiated_again_is_the_dense_one():
    torch.manual_seed(5)
    layer, inputs = nn.Linear(4, 3, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    masks = pruned(layer, 0.5)
    seconds = []
    for layers in (sparse_linears("dense", layer, masks), sparse_linears("sparse", layer, masks)):
        with layers:
            loss = layer(inputs).pow(3).sum()
        firsts = torch.autograd.grad(loss, (inputs, layer.weight, layer.bias), create_graph=True)
        of_inputs, of_weight = torch.autograd.grad(sum(one.square().sum() for one in firsts), (inputs, layer.weight))
        seconds.append((of_inputs, of_weight * masks["weight"]))
    torch.testing.assert_close(seconds[0], seconds[1])


def test_hooks_are_called_copies_are_whole_and_an_error_puts_layers_back():
    layer = nn.Linear(4, 3)
    masks = pruned(layer, 0.5)
    heard = []
    layer.register_forward_hook(lambda module, inputs, outputs: heard.append(outputs.shape))
    layers = sparse_linears("sparse", layer, masks)
    with pytest.raises(RuntimeError, match="shapes"), layers:
        layer(layer(torch.ones(2, 4)))
    assert heard == [(2, 3)]
    assert "forward" not in vars(layer)
    layer._forward_hooks.clear()
    first = learn(layer, torch.ones(2, 4), layers)
    twin, its_layers = copy.deepcopy((layer, layers))
    stored = io.BytesIO()
    torch.save((layer, layers), stored)
    stored.seek(0)
    for one, ones in ((twin, its_layers), torch.load(stored, weights_only=False)):
        assert torch.equal(learn(one, torch.ones(2, 4), ones)[1]["weight"], first[1]["weight"])
        assert ones.used == ["weight"]


def test_auto_follows_its_rule_and_nothing_else():
    layer = nn.Linear(300, 200)
    masks = pruned(layer, 0.02)
    found = {}
    for rows in (1, 128):
        layers = sparse_linears("auto", layer, masks)
        learn(layer, torch.randn(rows, 300), layers)
        found[rows] = layers.used
    assert found == {1: [], 128: ["weight"]}
    double = nn.Linear(784, 300, dtype=torch.float64)
    layers = sparse_linears("auto", double, pruned(double, 0.02))
    learn(double, torch.randn(128, 784, dtype=torch.float64), layers)
    assert layers.used == []  # the rule was measured in 32 bits
    assert sparse_linears("auto", layer, {"weight": torch.ones(200, 300, dtype=torch.bool)}).used == []


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 512), st.integers(0, 10**6), st.integers(0, 10**6))
def test_fewer_weights_never_pay_less(outputs, features, rows, one, other):
    fewer, more = sorted((one, other))
    decided = [pays(3, rows, (outputs, features), count, features) for count in (fewer, more)]
    assert decided[0] >= decided[1]
    assert not pays(3, rows, (outputs, features), outputs * features, 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"arithmetic": "fast"}, "pruning.arithmetic.*fast.*dense, sparse, auto"),
        ({"arithmetic": "sparse", "frozen": "final"}, "pruning.frozen final keeps them: set it to dense or auto"),
        ({"arithmetic": "sparse", "retrain": "redense", "masks_from": "x"}, "pruning.retrain redense trains them"),
    ],
)
def test_what_cannot_be_sparse_is_refused_in_one_line(arguments, words):
    with pytest.raises(UserError, match=words) as caught:
        IterativePruning(**arguments)
    assert "\n" not in str(caught.value)


def test_networks_and_trainers_that_cannot_be_sparse_are_refused(monkeypatch):
    conv = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), Own(4, 2))
    with pytest.raises(UserError, match="this one has none"):
        check_arithmetic("sparse", conv, ["0.weight", "2.weight"])
    check_arithmetic("auto", conv, ["0.weight", "2.weight"])
    net = MLP(4, [3], 2)
    with pytest.raises(UserError, match="this one has none"):
        check_arithmetic("sparse", net.bfloat16(), ["hidden.0.weight"])
    monkeypatch.setattr(net, "_compiled_call_impl", lambda *arguments: None)
    with pytest.raises(UserError, match="the network is compiled"):
        check_arithmetic("sparse", net.float(), ["hidden.0.weight"])
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    with pytest.raises(UserError, match=re.escape("trainer.precision is bf16-mixed")):
        check_trainer_arithmetic(pl.Trainer(precision="bf16-mixed", **quiet), "sparse")
    check_trainer_arithmetic(pl.Trainer(precision="bf16-mixed", **quiet), "auto")
    check_trainer_arithmetic(pl.Trainer(**quiet), "sparse")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arithmetic")
    for name, arithmetic in (("dense", "dense"), ("sparse", "sparse"), ("again", "sparse")):
        small_run(folder / name, levels=2, arithmetic=arithmetic)
    return folder


def test_a_run_is_the_dense_one_but_for_rounding(runs):
    dense, sparse = (curve_without_seconds(runs / name) for name in ("dense", "sparse"))
    assert sparse[:2] == dense[:2]  # the heading and level 0, bit for bit
    differing = False
    for level in (1, 2):
        (weights, masks), (others, same) = (level_state(runs / name, level) for name in ("sparse", "dense"))
        assert all(torch.equal(masks[name], same[name]) for name in masks)
        torch.testing.assert_close(weights, others, rtol=1e-3, atol=1e-4)
        assert all(bool((weights[name][~mask] == 0).all()) for name, mask in masks.items())
        differing |= any(not torch.equal(weights[name], others[name]) for name in weights)
    assert differing, "sparse arithmetic has not been used"


def test_the_same_run_again_is_the_same_bit_for_bit(runs):
    assert curve_without_seconds(runs / "again") == curve_without_seconds(runs / "sparse")


def test_what_is_computed_sparsely_is_said_once(tmp_path, capsys):
    small_run(tmp_path, levels=2, epochs_per_level=1, arithmetic="sparse")
    said = [line for line in capsys.readouterr().err.splitlines() if "arithmetic" in line]
    assert said == ["level 1: sparse arithmetic for hidden.0.weight, hidden.1.weight"]


def test_dropout_between_sparse_layers_draws_what_it_draws_between_dense_ones():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 40), nn.ReLU(), nn.Dropout(0.5), nn.Linear(40, 30), nn.ReLU(), nn.Linear(30, 10))
    masks = {f"{place}.weight": torch.rand_like(net[place].weight) < 0.2 for place in (0, 3, 5)}
    with torch.no_grad():
        for name, mask in masks.items():
            net.get_parameter(name).mul_(mask)
    inputs = torch.randn(16, 64)
    torch.manual_seed(1)
    dense = net(inputs)
    layers = sparse_linears("sparse", net, masks)
    torch.manual_seed(1)
    with layers:
        sparse = net(inputs)
    assert layers.used == list(masks)
    torch.testing.assert_close(sparse, dense, rtol=0, atol=1e-5)
