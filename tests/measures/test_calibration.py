"""Expected calibration error against hand-worked examples, a loop over bins and torchmetrics."""

import math

import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from sdd.errors import UserError
from sdd.measures.calibration import calibration_error, confidences
from tests.measures.test_accuracy import Echo


def error(confidence, hits, bins):
    return calibration_error(
        torch.tensor(confidence, dtype=torch.float64), torch.tensor(hits, dtype=torch.bool), bins=bins
    )


def test_a_hand_worked_example():
    # (0, 0.5]: 0.25 and 0.5, one of two right. (0.5, 1]: 0.75, 1 and 1, one of three right.
    assert error([0.25, 0.5, 0.75, 1, 1], [False, True, False, True, False], 2) == (abs(0.75 - 1) + abs(2.75 - 1)) / 5


@pytest.mark.parametrize("bins", [1, 2, 3, 10, 15, 49])
def test_a_confidence_on_an_edge_is_in_the_bin_below_it(bins):
    """Two examples on each edge m / M, of which one is right: alone in the bin, an error of |m / M - 1 / 2|."""
    edges = [place / bins for place in range(1, bins + 1)]
    alone = sum(abs(edge - 0.5) for edge in edges) / bins
    assert error([edge for edge in edges for _ in range(2)], [True, False] * bins, bins) == pytest.approx(
        alone, rel=1e-12
    )


def test_in_one_bin_it_is_mean_confidence_less_accuracy():
    assert error([0.25, 0.5, 0.75, 1], [True] * 4, 1) == (0.75 + 0.5 + 0.25) / 4
    assert error([1, 1, 1], [True, True, True], 15) == 0
    assert error([1, 1, 1, 1], [True, False, False, False], 15) == 0.75


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_it_is_that_of_another_library_on_uneven_batches(bins):
    logits = 3 * torch.randn(301, 5, generator=torch.Generator().manual_seed(1))
    labels = torch.randint(0, 5, (301,), generator=torch.Generator().manual_seed(2))
    net = Echo()
    confidence, hits = confidences(net, zip(logits.split(64), labels.split(64), strict=True))
    theirs = multiclass_calibration_error(logits.double(), labels, num_classes=5, n_bins=bins, norm="l1")
    assert calibration_error(confidence, hits, bins=bins) == pytest.approx(float(theirs), rel=1e-5)  # float32 inside
    assert confidence.dtype == torch.float64
    assert net.training
    total = 0.0
    for place in range(bins):
        inside = [i for i in range(301) if place / bins < float(confidence[i]) <= (place + 1) / bins]
        total += abs(sum(float(confidence[i]) for i in inside) - sum(bool(hits[i]) for i in inside))
    assert calibration_error(confidence, hits, bins=bins) == pytest.approx(total / 301, rel=1e-12)


def test_probabilities_and_hits_of_known_logits():
    logits = torch.tensor([[0.0, math.log(3)], [2000.0, 0.0], [1.0, 1.0]])
    confidence, hits = confidences(Echo(), [(logits, torch.tensor([1, 1, 0]))])
    assert confidence.tolist() == pytest.approx([0.75, 1, 0.5], rel=1e-7)
    assert hits.tolist() == [True, False, True]


def test_a_network_of_one_class_is_always_right_and_sure():
    confidence, hits = confidences(Echo(), [(torch.randn(4, 1), torch.zeros(4, dtype=torch.int64))])
    assert confidence.tolist() == [1.0] * 4
    assert calibration_error(confidence, hits) == 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_where_there_are_no_probabilities_there_is_no_error(value):
    logits = torch.zeros(5, 3)
    logits[2, 1] = value
    assert math.isnan(calibration_error(*confidences(Echo(), [(logits, torch.zeros(5, dtype=torch.int64))])))
    assert math.isnan(error([], [], 15))


def test_a_number_of_bins_below_one_is_refused():
    with pytest.raises(UserError, match="bins is 0; it must be at least 1"):
        error([0.5], [True], 0)
