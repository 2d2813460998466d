"""The loss of small outputs, against closed forms."""

import math

import pytest
import torch
from torch import nn

from sdd.losses import Loss, loss_of
from sdd.measures.small_loss import small_loss

CPU = torch.device("cpu")


class Counting(nn.Module):
    """A loss that remembers how often it was called, in a buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, outputs, labels):
        self.calls += 1
        return (outputs - nn.functional.one_hot(labels, outputs.shape[1])).square().mean()


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (loss_of("cross_entropy", None), math.log(math.e + 9)),  # a wrong class has 1, the others 0
        (loss_of("torch.nn.functional.multi_margin_loss", None), (8 * 1 + 2) / 10),
        (Loss(Counting()), 2 / 10),
        (Loss(lambda outputs, labels: -outputs.gather(1, labels[:, None]).mean()), 1.0),
        (Loss(lambda outputs, labels: outputs.sum() * 0), math.nan),
        (Loss(lambda outputs, labels: outputs.sum() / 0), math.nan),
    ],
)
def test_the_largest_of_three(loss, expected):
    assert small_loss(loss, 10, CPU) == pytest.approx(expected, nan_ok=True)


def test_a_loss_with_a_state_keeps_it():
    loss = Loss(Counting())
    small_loss(loss, 3, CPU)
    assert loss.mean.calls == 0
