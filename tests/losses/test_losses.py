import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from sdd.errors import UserError
from sdd.losses import loss_of
from sdd.measures.accuracy import predict

LOGITS, LABELS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 3, 0, 1])


def brier(outputs, labels, *, weight=1.0):
    """A loss that knows no reduction: mean squared distance of probabilities from the labels (Brier 1950)."""
    return weight * (outputs.softmax(1) - functional.one_hot(labels, outputs.shape[1])).square().sum(1).mean()


class Weighted(nn.CrossEntropyLoss):
    """Cross-entropy with class weights, which are a buffer."""

    def __init__(self, weights):
        super().__init__(weight=torch.tensor(weights))


class Counting(nn.Module):
    """Counts its calls in training mode in a buffer; knows no reduction."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, outputs, labels):
        if self.training:
            self.calls += 1
        return functional.cross_entropy(outputs, labels)


class Trained(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, outputs, labels):
        return functional.cross_entropy(outputs * self.scale, labels)


def test_the_default_is_the_cross_entropy_bit_for_bit():
    loss = loss_of("cross_entropy", None)
    assert torch.equal(loss.mean(LOGITS, LABELS), functional.cross_entropy(LOGITS, LABELS))
    assert torch.equal(loss.sum(LOGITS, LABELS), functional.cross_entropy(LOGITS, LABELS, reduction="sum"))
    assert torch.equal(loss.each(LOGITS, LABELS), functional.cross_entropy(LOGITS, LABELS, reduction="none"))


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize(
    ("chosen", "arguments"),
    [
        ("cross_entropy", {"label_smoothing": 0.1}),
        ("generalized_cross_entropy", None),
        ("symmetric_cross_entropy", {"beta": 0.3}),
        ("torch.nn.CrossEntropyLoss", {"label_smoothing": 0.1}),
        ("torch.nn.functional.multi_margin_loss", {"margin": 0.5}),
        ("torch.nn.MultiMarginLoss", None),
        (f"{__name__}.brier", {"weight": 2.0}),
        (f"{__name__}.Counting", None),
    ],
)
def test_mean_sum_and_single_losses_agree(chosen, arguments, double):
    loss = loss_of(chosen, arguments).for_measuring(double=double)
    logits = LOGITS.double() if double else LOGITS
    mean = loss.mean(logits, LABELS).item()
    assert math.isclose(loss.sum(logits, LABELS).item(), 6 * mean, rel_tol=1e-6)
    assert loss.each(logits, LABELS).shape == (6,)
    assert math.isclose(loss.each(logits, LABELS).mean().item(), mean, rel_tol=1e-6)


def test_label_smoothing_is_that_of_its_definition():
    log = LOGITS.double().log_softmax(1)
    wanted = -(0.9 * log[torch.arange(6), LABELS] + 0.1 * log.mean(1)).mean()
    assert math.isclose(
        loss_of("cross_entropy", {"label_smoothing": 0.1}).mean(LOGITS.double(), LABELS).item(), wanted.item()
    )


def test_label_smoothing_of_0_is_no_smoothing_bit_for_bit():
    smoothed, plain = (loss_of("cross_entropy", arguments) for arguments in ({"label_smoothing": 0.0}, None))
    logits = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    smoothed.mean(logits[0], LABELS).backward()
    plain.mean(logits[1], LABELS).backward()
    assert torch.equal(logits[0].grad, logits[1].grad)
    assert torch.equal(smoothed.sum(LOGITS, LABELS), plain.sum(LOGITS, LABELS))


PROBABILITY = LOGITS.double().softmax(1)[torch.arange(6), LABELS]


@pytest.mark.parametrize("q", [0.3, 0.7, 1.0])
def test_generalized_cross_entropy_is_that_of_its_definition(q):
    each = loss_of("generalized_cross_entropy", {"q": q}).each(LOGITS.double(), LABELS)
    torch.testing.assert_close(each, (1 - PROBABILITY**q) / q)
    nearly = loss_of("generalized_cross_entropy", {"q": 1e-9}).each(LOGITS.double(), LABELS)
    torch.testing.assert_close(nearly, -PROBABILITY.log(), rtol=1e-6, atol=0)


def test_symmetric_cross_entropy_is_that_of_its_definition():
    arguments = {"alpha": 0.2, "beta": 1.5, "log_of_zero": -6.0}
    each = loss_of("symmetric_cross_entropy", arguments).each(LOGITS.double(), LABELS)
    targets = functional.one_hot(LABELS, 4).double()
    reverse = -(LOGITS.double().softmax(1) * torch.where(targets > 0, targets.log(), -6.0)).sum(1)
    torch.testing.assert_close(each, 0.2 * -PROBABILITY.log() + 1.5 * reverse)


@pytest.mark.parametrize("chosen", ["generalized_cross_entropy", "symmetric_cross_entropy"])
def test_robust_losses_have_finite_gradients_where_the_label_has_no_probability(chosen):
    logits = torch.tensor([[0.0, 1000.0]], requires_grad=True)
    loss = loss_of(chosen, None).mean(logits, torch.tensor([0]))
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(logits.grad).all()
    with pytest.raises(ValueError, match="allowed: mean, sum, none"):
        loss_of(chosen, None).mean(logits, torch.tensor([0]), reduction="max")


def test_class_weights_are_measured_in_double_and_stay_single():
    loss = loss_of(f"{__name__}.Weighted", {"weights": [1.0, 2.0, 3.0, 4.0]})
    measured = predict(nn.Identity(), [(LOGITS, LABELS)], loss).loss
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)[LABELS]
    each = functional.cross_entropy(LOGITS.double(), LABELS, reduction="none")
    assert math.isclose(measured, (weights * each).sum().item() / 6)
    assert loss.mean.weight.dtype == torch.float32


def test_measuring_changes_no_buffer():
    loss = loss_of(f"{__name__}.Counting", None)
    loss.mean(LOGITS, LABELS)
    predict(nn.Identity(), [(LOGITS, LABELS)], loss)
    loss.for_measuring().sum(LOGITS, LABELS)
    assert loss.mean.calls.item() == 1
    assert loss.mean.training


def nothing(outputs, labels):
    return 0.0


def each(outputs, labels):
    return functional.cross_entropy(outputs, labels, reduction="none")


@pytest.mark.parametrize(
    ("chosen", "arguments", "word"),
    [
        ("cross_entrpy", None, "cross_entropy, or an import path.*did you mean cross_entropy"),
        ("cross_entropy", {"smoothing": 1}, "smoothing, which cross_entropy does not take; allowed: label_smoothing"),
        ("cross_entropy", {"reduction": "sum"}, "the reduction 'sum'"),
        ("torch.nn.CrossEntropyLoss", {"reduction": "none"}, "the reduction 'none'"),
        ("torch.nn.CrossEntropyLoss", {"weight": [1, 2]}, "does not take outputs.*weight tensor"),
        ("generalized_cross_entropy", {"q": 0.0}, r"^model\.loss_args\.q is 0.0; it must be above 0 and at most 1"),
        ("cross_entropy", {"label_smoothing": -0.5}, r"^model\.loss_args\.label_smoothing is -0.5; it must"),
        ("cross_entropy", {"label_smoothing": float("nan")}, "label_smoothing is nan"),
        ("symmetric_cross_entropy", {"alpha": -1.0}, "alpha is -1.0"),
        ("symmetric_cross_entropy", {"log_of_zero": 0.0}, "log_of_zero is 0.0; it must be a number below 0"),
        (f"{__name__}.Trained", None, "parameters to train"),
        (f"{__name__}.nothing", None, "gives 0.0 as the mean"),
        (f"{__name__}.each", None, r"a tensor of shape \[6\] as the mean"),
        ("torch.nn.functional.mse_loss", None, r"does not take outputs of shape \[6, 4\] and labels of shape \[6\]"),
        ("torch.nn.BCEWithLogitsLoss", None, "does not take outputs"),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_losses_that_cannot_be_meant_are_refused_in_one_line(chosen, arguments, word):
    with pytest.raises(UserError, match=word) as caught:
        loss_of(chosen, arguments).check(chosen, LOGITS, LABELS)
    assert "\n" not in str(caught.value)


def test_class_weights_can_be_given_as_a_list():
    outputs, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 2, 1])
    loss = loss_of("torch.nn.CrossEntropyLoss", {"weight": [1, 2, 3.5], "label_smoothing": 0.1})
    expected = functional.cross_entropy(outputs, labels, torch.tensor([1, 2, 3.5]), label_smoothing=0.1)
    assert torch.equal(loss.mean(outputs, labels), expected)
    with pytest.raises(UserError, match="weights must be numbers"):
        loss_of("torch.nn.CrossEntropyLoss", {"weight": ["a"]})
