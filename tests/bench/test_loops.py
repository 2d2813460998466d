"""The loops that we are compared with do the same work as we do."""

import pytest
import torch
from torch.nn import functional

from sdd.bench.bare import BareLoop, LoopByHand
from sdd.bench.table import Row
from sdd.models import MLP
from tests.small import small_data


def epoch_in_float64(net, inputs, labels, batch_size, lr, momentum):
    """Train an epoch of SGD in double precision; the order is torch's next permutation."""
    net = net.double()
    velocities = [torch.zeros_like(parameter) for parameter in net.parameters()]
    for index in torch.randperm(len(labels)).split(batch_size):
        loss = functional.cross_entropy(net(inputs[index].double()), labels[index])
        gradients = torch.autograd.grad(loss, list(net.parameters()))
        with torch.no_grad():
            for parameter, velocity, gradient in zip(net.parameters(), velocities, gradients, strict=True):
                velocity.mul_(momentum).add_(gradient)
                parameter.sub_(lr * velocity)
    return list(net.parameters())


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_bare_loop_and_the_one_by_hand_are_sgd(momentum):
    data = small_data()
    train = data.split("train")
    inputs = data.view().plain(train.images)

    def net():
        torch.manual_seed(1)
        return MLP(64, [16, 8], 10)

    reference = net()
    torch.manual_seed(0)
    expected = epoch_in_float64(reference, inputs, train.labels, data.batch_size, 0.1, momentum)
    for kind in (BareLoop, LoopByHand):
        loop = kind(net(), train.images, train.labels, data, lr=0.1, momentum=momentum)
        torch.manual_seed(0)
        loop.epoch()
        if kind is BareLoop:
            found = list(loop.net.parameters())
        else:
            found = [one for pair in zip(loop.weights, loop.biases, strict=True) for one in pair]
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours.double(), theirs, rtol=0, atol=1e-5)


def test_the_bare_loop_holds_removed_weights_at_zero():
    data = small_data()
    train = data.split("train")
    loop = BareLoop(MLP(64, [16, 8], 10), train.images, train.labels, data, lr=0.1, momentum=0.9)
    for expected in (0.8, 0.64):
        loop.prune()
        loop.epoch()
        kept = torch.cat([loop.prunable[name][mask] for name, mask in loop.masks.items()])
        removed = torch.cat([loop.prunable[name][~mask] for name, mask in loop.masks.items()])
        assert kept.numel() / (kept.numel() + removed.numel()) == pytest.approx(expected, abs=2e-3)
        assert not removed.any()


def test_a_row_has_medians_and_the_ratios_pair_by_pair():
    row = Row("a thing", "another", [(1.0, 2.0), (2.0, 2.0), (4.0, 2.0)])
    assert row.ratios == [2.0, 1.0, 0.5]
    assert row.line().split() == ["a", "thing", ":", "another", "2.00", "2.00", "1.00", "0.50", "2.00", "3"]
    assert Row("alone", "", [(None, 0.125)]).line().split() == ["alone", "0.125", "1"]
