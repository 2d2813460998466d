"""The path between two states of a network, against closed forms, loops in float64 and torch's own `update_bn`."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import update_bn

from sdd.losses import Loss
from sdd.measures.accuracy import predict
from sdd.measures.path import (
    differing_shapes,
    error_barrier,
    estimate_statistics,
    has_statistics,
    interpolated,
    path_between,
    steps,
)
from tests.small import NormNet


def test_steps_are_hundredths_with_both_ends():
    assert steps(101) == [k / 100 for k in range(101)]
    assert steps(2) == [0, 1]


def test_the_loss_of_a_linear_model_equals_a_loop_in_float64():
    torch.manual_seed(0)
    one, other, net = (nn.Linear(4, 3) for _ in range(3))
    inputs, labels = torch.randn(20, 4), torch.randint(3, (20,))

    def evaluate(moved):
        return {"loss": predict(moved, [(inputs, labels)], Loss(functional.cross_entropy)).loss}

    with torch.no_grad():
        rows = list(path_between(net, one.state_dict(), other.state_dict(), steps(11), evaluate))
    a, b = ({name: value.double().numpy() for name, value in end.state_dict().items()} for end in (one, other))
    for row, alpha in zip(rows, np.linspace(0, 1, 11), strict=True):
        weight, bias = ((1 - alpha) * a[name] + alpha * b[name] for name in ("weight", "bias"))
        total = 0.0
        for x, label in zip(inputs.double().numpy(), labels.tolist(), strict=True):
            logits = weight @ x + bias
            total += math.log(sum(math.exp(value) for value in logits)) - logits[label]
        assert row["alpha"] == pytest.approx(alpha, abs=1e-15)
        assert row["loss"] == pytest.approx(total / 20, rel=1e-6)


def test_the_ends_and_what_both_have_in_common_are_exact():
    a = {"w": torch.tensor([1e30, -0.1, 3e-45, math.inf, 0.3]), "count": torch.tensor(7)}
    b = {"w": torch.tensor([-3.7, 1e-30, 0.7, math.inf, 0.3]), "count": torch.tensor(12)}
    for alpha, end in ((0.0, a), (1.0, b)):
        assert all(torch.equal(value, end[name]) for name, value in interpolated(a, b, alpha).items())
    for alpha in steps(101)[1:-1]:
        point = interpolated(a, b, alpha)
        assert point["w"][3:].tolist() == a["w"][3:].tolist()
        assert point["w"][:3].tolist() == pytest.approx(
            ((1 - alpha) * a["w"][:3].double() + alpha * b["w"][:3].double()).tolist(), rel=1e-6, abs=1e-44
        )
        assert point["count"].item() == (7 if alpha <= 0.5 else 12)


class Tied(nn.Module):
    """Two names for one weight."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 3, bias=False)
        self.second = nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x))


def test_a_tied_weight_moves_once_and_the_network_is_as_before_also_when_evaluating_fails():
    torch.manual_seed(1)
    net, one, other = Tied(), Tied(), Tied()
    before = net.first.weight.clone()
    seen = []

    def evaluate(moved):
        assert moved.second.weight is moved.first.weight
        seen.append(moved.first.weight.detach().clone())
        if len(seen) == 3:
            raise RuntimeError
        return {}

    with pytest.raises(RuntimeError):
        list(path_between(net, one.state_dict(), other.state_dict(), [0, 0.5, 1], evaluate))
    assert torch.equal(seen[0], one.first.weight)
    torch.testing.assert_close(seen[1], ((one.first.weight + other.first.weight) / 2).detach())
    assert torch.equal(seen[2], other.first.weight)
    assert torch.equal(net.first.weight, before)


def test_states_of_other_networks_are_refused():
    one, other = nn.Linear(4, 3).state_dict(), nn.Linear(4, 2, bias=False).state_dict()
    assert differing_shapes(one, other) == ["bias", "weight"]
    with pytest.raises(ValueError, match="bias, weight"):
        next(path_between(nn.Linear(4, 3), one, other, [0], lambda net: {}))


def test_estimated_statistics_are_those_of_torch():
    torch.manual_seed(2)
    net, other = NormNet(), NormNet()
    other.load_state_dict(net.state_dict())
    batches = torch.randn(5, 8, 1, 8, 8)
    net.eval()
    estimate_statistics(net, batches)
    update_bn(batches, other)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in net.state_dict().items())
    assert not any(module.training for module in net.modules())
    assert net.norm.momentum == 0.1
    assert has_statistics(net)
    assert not has_statistics(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False)))


@pytest.mark.parametrize(
    ("values", "height", "above", "alpha"),
    [
        ([0.1, 0.5, 0.2], 0.35, 0.35, 0.5),  # 0.5 − 0.15
        ([0.4, 0.3, 0.2], 0.1, 0.0, 0.0),  # no hill: half the ends' difference
        ([0.0, 0.4, 0.8], 0.4, 0.0, 1.0),
        ([0.0, 0.6, 0.8], 0.4, 0.2, 1.0),
        ([0.3, 0.1, 0.3], 0.0, 0.0, 0.0),
    ],
)
def test_barriers_by_hand(values, height, above, alpha):
    barrier = error_barrier([0, 0.5, 1], values)
    assert (barrier.height, barrier.above_line) == (pytest.approx(height), pytest.approx(above))
    assert barrier.alpha == alpha


def test_a_barrier_of_what_is_no_number_is_none():
    assert all(math.isnan(value) for value in vars(error_barrier([0, 0.5, 1], [0.1, math.nan, 0.2])).values())
