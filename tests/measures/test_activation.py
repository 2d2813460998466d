"""Activation entropy against hand-worked cases and loops over neurons in float64."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from sdd.errors import UserError
from sdd.measures.activation import activation_entropies
from sdd.models import MLP, VGG, ResNet


def entropy(p):
    return 0.0 if p in (0, 1) else -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def by_loops(activations):
    """Mean over neurons of rectified outputs [N, ...], one neuron and example at a time."""
    rows = activations.flatten(1).tolist()
    states = [[row[neuron] > 0 for row in rows] for neuron in range(len(rows[0]))]
    return sum(entropy(sum(state) / len(rows)) for state in states) / len(states)


def batches(inputs, *sizes):
    return [(part, torch.zeros(len(part))) for part in inputs.split(sizes)]


class Applies(nn.Module):
    """A function of the inputs."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, inputs):
        return self.function(inputs)


def test_a_hand_worked_layer():
    """Always on, always off, on for half, on for a quarter; at 0 a neuron is off."""
    inputs = torch.tensor([[1.0, -1, 1, 0], [1, -1, 1, 2], [1, -1, -1, -1], [1, 0, -1, -1]])
    (value,) = activation_entropies(nn.ReLU(), batches(inputs, 3, 1)).values()
    assert value == pytest.approx((0 + 0 + 1 + 2 - 0.75 * math.log2(3)) / 4, rel=1e-15)
    for column, wanted in enumerate([0, 0, 1]):
        assert list(activation_entropies(nn.ReLU(), batches(inputs[:, [column]], 4)).values()) == [wanted]


def test_a_small_mlp_and_its_names():
    net, inputs = MLP(6, [5, 4], 3), torch.randn(23, 6)
    first = torch.relu(inputs.double() @ net.hidden[0].weight.double().T + net.hidden[0].bias.double())
    second = torch.relu(first @ net.hidden[1].weight.double().T + net.hidden[1].bias.double())
    found = activation_entropies(net.train(), batches(inputs, 10, 10, 3))
    assert list(found) == ["hidden.0", "hidden.1"]
    assert found == pytest.approx({"hidden.0": by_loops(first), "hidden.1": by_loops(second)}, rel=1e-12)
    assert net.training
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in net.modules())


def test_a_small_convolution_every_channel_and_position():
    weight = torch.tensor([[1.0, -1], [0, 1]]), torch.tensor([[-1.0, 0], [2, -1]])
    net = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8, 3))
    with torch.no_grad():
        net[0].weight.copy_(torch.stack(weight)[:, None])
        net[0].bias.copy_(torch.tensor([0.1, -0.2]))
        net[1].running_mean.copy_(torch.tensor([0.3, 0.1]))
    images = torch.randn(9, 1, 3, 3)
    outputs = torch.zeros(9, 2, 2, 2, dtype=torch.float64)
    for n in range(9):
        for channel, (bias, mean) in enumerate([(0.1, 0.3), (-0.2, 0.1)]):
            for y in range(2):
                for x in range(2):
                    window = images[n, 0, y : y + 2, x : x + 2].double()
                    outputs[n, channel, y, x] = float((window * weight[channel].double()).sum()) + bias - mean
    assert activation_entropies(net, batches(images, 4, 5)) == pytest.approx({"2": by_loops(outputs)}, rel=1e-12)


ON = torch.tensor([[1.0, -2, 3, -4], [1, 2, -3, -4]])


@pytest.mark.parametrize(
    "function",
    [
        torch.relu,
        functional.relu,
        lambda x: functional.relu(x.clone(), inplace=True),
        lambda x: x.clone().relu_(),
        functional.relu6,
        nn.ReLU6(),
        lambda x: x.clamp(min=0),
        lambda x: x.clamp_min(0.0),
        lambda x: functional.threshold(x, 0, 0),
        functional.leaky_relu,
        nn.PReLU(),
        lambda x: functional.rrelu(x, training=False),
    ],
)
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_rectifier_is_found_in_whatever_form(function, precision):
    if isinstance(function, nn.Module):
        function = function.to(precision)
    found = activation_entropies(Applies(function), batches(ON.to(precision), 2))
    assert list(found.values()) == [0.5]


@pytest.mark.parametrize(
    "function",
    [
        torch.tanh,
        functional.gelu,
        functional.hardtanh,
        lambda x: x.clamp(max=0),
        lambda x: x.clamp(min=1e-6),
        lambda x: x.long().clamp(0, 16).float(),
        lambda x: x / x.var(0).clamp(min=0).add(1).sqrt(),
    ],
)
def test_a_network_that_rectifies_no_activation_is_refused_in_a_line(function):
    with pytest.raises(UserError, match="Applies has no ReLU or relative of it") as caught:
        activation_entropies(Applies(function), batches(ON, 2))
    assert "\n" not in str(caught.value)


def test_what_is_rectified_without_its_examples_first_is_refused_in_a_line():
    with pytest.raises(UserError, match=r"rectifies a tensor of shape \[4, 2\] where a batch has 2 examples"):
        activation_entropies(Applies(lambda x: x.T.relu()), batches(ON, 2))


@pytest.mark.parametrize(
    ("net", "names"),
    [
        (VGG(11, width=2, in_channels=1), [f"features.{place}" for place in (2, 6, 10, 13, 17, 20, 24, 27)]),
        (
            ResNet(18, width=2, in_channels=1),
            [
                "relu",
                *(f"stages.{stage}.{block}.relu{use}" for stage in range(4) for block in (0, 1) for use in ("", "#2")),
            ],
        ),
    ],
    ids=["vgg", "resnet"],
)
def test_each_rectifier_of_the_built_in_networks_has_a_name(net, names):
    assert list(activation_entropies(net, batches(torch.randn(3, 1, 16, 16), 2, 1))) == names


def test_functions_are_named_after_the_submodule_before_them():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.block = nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4), nn.Tanh())

        def forward(self, inputs):
            hidden = self.a(self.a(inputs.relu()).relu()).relu()
            return self.block(hidden).relu().neg().relu()

    assert list(activation_entropies(Twice(), batches(ON, 2))) == ["input", "a", "a#2", "block", "block#2"]


def test_the_relu_of_a_fused_transformer_layer_is_found():
    layer = nn.TransformerEncoderLayer(8, 2, 6, batch_first=True)
    enabled = torch.backends.mha.get_fastpath_enabled()
    inputs = torch.randn(5, 3, 8)
    hidden = []
    handle = layer.linear1.register_forward_hook(lambda *parts: hidden.append(parts[2].detach().double()))
    found = activation_entropies(layer, batches(inputs, 5))
    handle.remove()
    assert found == pytest.approx({"linear1": by_loops(hidden[0])}, rel=1e-12)
    assert torch.backends.mha.get_fastpath_enabled() == enabled


def test_of_an_activation_that_is_not_a_number_there_is_no_entropy():
    inputs = torch.cat([ON, torch.full((1, 4), math.nan)])
    assert all(math.isnan(value) for value in activation_entropies(nn.ReLU(), batches(inputs, 2, 1)).values())
