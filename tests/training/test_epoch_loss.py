"""The mean loss of an epoch, and the step from which it is beyond bounds."""

import math

import torch

from sdd.training.epoch_loss import first_step_beyond, mean_loss


def two_processes(other):
    """What reduces over this process and another one, whose losses are given."""

    def reduced(tensor, reduce_op):
        finite = other[other.isfinite()].double()
        theirs = other.mean() if reduce_op == "mean" else torch.stack([finite.sum(), finite.new_tensor(len(finite))])
        return (tensor + theirs) / (2 if reduce_op == "mean" else 1)

    return reduced


def test_losses_of_skipped_steps_do_not_count_unless_all_are():
    mine, other = torch.tensor([1.0, math.inf, 3.0]), torch.tensor([2.0, math.nan, 6.0])
    assert mean_loss(mine, two_processes(other), skips=True) == (1 + 3 + 2 + 6) / 4
    assert not math.isfinite(mean_loss(mine, two_processes(other), skips=False))
    none = torch.tensor([math.inf])
    assert not math.isfinite(mean_loss(none, two_processes(none), skips=True))
    assert mean_loss(torch.tensor([1.0, 2.0]), two_processes(torch.tensor([3.0, 6.0])), skips=True) == 3


def test_the_first_step_beyond_is_counted_from_one_over_the_run_the_last_step_may_be_short():
    losses = torch.tensor([1.0, 1.0, 1.0, 9.0, 1.0])  # steps 11, 12 and, of one batch, 13
    assert first_step_beyond(losses, 5.0, done=13, batches_a_step=2) == 12
    assert first_step_beyond(losses, 9.0, done=13, batches_a_step=2) is None
    losses[4] = math.nan
    assert first_step_beyond(losses, 9.0, done=13, batches_a_step=2) == 13
    assert first_step_beyond(losses, 0.5, done=5, batches_a_step=1) == 1
