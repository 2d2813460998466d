"""Optimizer and schedule of a level."""

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR, MultiStepLR

from sdd.errors import UserError
from sdd.training.optimizers import last_rate, move, optimizer_and_schedule


def sgd(parameters):
    return SGD(parameters, lr=0.1)


def test_the_last_rate_is_that_of_the_last_epoch_not_of_the_one_after_it():
    def tenths(optimizer):
        return MultiStepLR(optimizer, [2, 4], gamma=0.1)

    rates = [last_rate(*optimizer_and_schedule(nn.Linear(2, 2), sgd, tenths), moves, "epoch") for moves in range(1, 7)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])


def test_a_schedule_that_begins_later_has_the_rate_of_that_epoch():
    optimizer, schedule = optimizer_and_schedule(nn.Linear(2, 2), sgd, lambda one: LambdaLR(one, lambda n: 0.5**n))
    move(schedule, 3)
    assert optimizer.param_groups[0]["lr"] == 0.1 * 0.125


def test_a_constant_rate_replaces_optimizers_and_schedules():
    optimizer, schedule = optimizer_and_schedule(nn.Linear(2, 2), sgd, lambda one: MultiStepLR(one, [1]), 0.3)
    assert schedule is None
    assert last_rate(optimizer, schedule, 9, "step") == 0.3


def test_what_makes_no_schedule_is_refused_and_not_taken_for_a_constant_rate():
    with pytest.raises(UserError, match="makes None, no schedule"):
        optimizer_and_schedule(nn.Linear(2, 2), sgd, lambda _: None)


def test_the_last_rate_leaves_gradients_and_parameters_as_they_are():
    net = nn.Linear(2, 2)
    net.weight.grad = torch.ones(2, 2)
    before = net.weight.detach().clone()
    last_rate(*optimizer_and_schedule(net, sgd, lambda one: MultiStepLR(one, [1])), 3, "epoch")
    assert torch.equal(net.weight, before)
