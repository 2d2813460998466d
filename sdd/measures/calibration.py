"""Expected calibration error: how far a network's confidence is from its accuracy."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from sdd.errors import UserError
from sdd.measures.columns import Column
from sdd.models.modes import kept_modes

COST = "evaluation of training, test and, where there is one, validation part"
"""Cost of the calibration errors of a level."""


def _ece(part: str, title: str, note: str, colour: str) -> Column:
    return Column(
        f"{part}_ece",
        f"{title} calibration error",
        f"expected calibration error {note}, over equal-width bins of the highest probability",
        "fraction",
        colour,
        better="lower",
        cost=COST,
        section="Calibration",
    )


TEST_ECE = _ece("test", "test", "on the clean test set", "#0072B2")
TRAIN_ECE = _ece("train", "training", "on the training set with its noisy labels", "#000000")
VAL_ECE = _ece("val", "validation", "on the training examples kept aside, with noisy labels", "#56B4E9")

CALIBRATION = (TEST_ECE, TRAIN_ECE, VAL_ECE)
"""Columns of the calibration errors of each part of the data."""


@torch.no_grad()
def confidences(net: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Run a network over batches in evaluation mode; its mode is as before afterwards.

    Args:
        net: Maps inputs [B, ...] to logits [B, C].
        batches: Inputs and int64 labels [B], N examples in all.

    Returns:
        The highest of each example's softmax probabilities, float64 [N], NaN where its logits give none; and whether
        that class is its label, bool [N]. Of several highest ones the first counts, as for the accuracies.
    """
    highest, hits = [], []
    with kept_modes(net, training=False):
        for inputs, labels in batches:
            logits = net(inputs).double()
            highest.append(logits.softmax(1).amax(1))
            hits.append(logits.argmax(1) == labels)
    return torch.cat(highest), torch.cat(hits)


def calibration_error(confidence: Tensor, hits: Tensor, *, bins: int = 15) -> float:
    """Return the expected calibration error Σ_m |B_m| / N · |acc(B_m) − conf(B_m)|.

    B_m holds the examples whose confidence is in ((m − 1) / M, m / M], acc and conf are their accuracy and mean
    confidence (Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning"; Guo et al. 2017,
    "On calibration of modern neural networks", equation 3). Empty bins count nothing.

    Args:
        confidence: Highest probability of each of the N examples, float64 [N] in [0, 1].
        hits: Whether the class of that probability is the label, bool [N].
        bins: M, the number of bins, all of the same width.

    Returns:
        The error, in [0, 1]; NaN where there are no examples or a confidence is NaN.

    Raises:
        UserError: `bins` is below 1.
    """
    if bins < 1:
        raise UserError(f"bins is {bins}; it must be at least 1")
    if not len(confidence) or bool(confidence.isnan().any()):
        return math.nan
    edges = torch.arange(1, bins + 1, dtype=torch.float64, device=confidence.device) / bins
    bin_of_each = torch.bucketize(confidence.double(), edges)
    excess = confidence.double() - hits.double()
    return sum(abs(float(excess[bin_of_each == place].sum())) for place in bin_of_each.unique()) / len(confidence)
