"""Learning-rate schedules against their formula, step by step."""

import pytest
import torch

from sdd.lr_schedulers import WarmupMultiStepLR


def rates(steps, **arguments):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([{"params": [parameter], "lr": 0.2}, {"params": [], "lr": 1.0}])
    scheduler = WarmupMultiStepLR(optimizer, **arguments)
    found = []
    for _ in range(steps):
        found.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return found


def test_the_rate_rises_holds_and_falls_at_the_milestones():
    found = rates(9, milestones=[8, 6], gamma=0.1, warmup=4)
    factors = [0, 0.25, 0.5, 0.75, 1, 1, 0.1, 0.1, 0.01]
    assert [small for small, _ in found] == pytest.approx([0.2 * factor for factor in factors])
    assert [whole for _, whole in found] == pytest.approx(factors)


def test_after_a_warmup_of_one_step_it_is_pytorchs_own():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.2)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5], gamma=0.5)
    theirs = []
    for _ in range(8):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert [mine for mine, _ in rates(8, milestones=[3, 5], gamma=0.5)][1:] == pytest.approx(theirs[1:])


def test_no_warmup_is_refused():
    with pytest.raises(ValueError, match="warmup is 0"):
        rates(1, milestones=[3], warmup=0)
