"""Loss, accuracy and memorisation."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from sdd.losses import Loss
from sdd.measures.columns import Column
from sdd.models.modes import kept_modes

_fit = partial(Column, section="Curves", correlated=False)
_memory = partial(Column, section="Memorisation", correlated=False, unit="fraction")

TRAINING = (
    _fit(
        "train_loss",
        "training loss",
        "on the training set with its noisy labels, without augmentation",
        shown=False,
    ),
    _fit(
        "train_acc",
        "training accuracy",
        "on the training set with its noisy labels, without augmentation",
        "fraction",
        "#000000",
    ),
    _fit(
        "train_acc_kept",
        "training accuracy, unchanged labels",
        "on the training examples whose label was not changed",
        "fraction",
        better="higher",
        shown=False,
    ),
    _memory(
        "memorized",
        "memorised wrong labels",
        "fraction of the changed labels predicted as the wrong class that they were given",
        colour="#D55E00",
        better="lower",
    ),
    _memory(
        "recovered",
        "recovered true labels",
        "fraction of the changed labels predicted as their true class",
        colour="#E69F00",
        better="higher",
        shown=False,
    ),
)
"""Columns of `training_measures`."""

TEST = (
    _fit("test_loss", "test loss", "on the clean test set", better="lower", shown=False),
    _fit("test_acc", "test accuracy", "on the clean test set", "fraction", "#0072B2", better="higher"),
)

_KEPT_ASIDE = "on the training examples kept aside (`data.val_size`), with noisy labels"

VALIDATION = (
    _fit("val_loss", "validation loss", _KEPT_ASIDE, better="lower", shown=False),
    _fit("val_acc", "validation accuracy", _KEPT_ASIDE, "fraction", better="higher", shown=False),
)


@dataclass(frozen=True)
class Predictions:
    """A network's loss and predicted classes on a set of examples, in evaluation mode.

    Attributes:
        loss: Mean loss against the labels that came with the examples.
        classes: Predicted class of each example, int64 of shape [N].
    """

    loss: float
    classes: Tensor


@torch.no_grad()
def predict(net: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], loss: Loss) -> Predictions:
    """Run a network over batches in evaluation mode; its mode is as before afterwards.

    Args:
        net: Maps inputs [B, ...] to logits [B, C].
        batches: Inputs and int64 labels [B], in the order of the examples.
        loss: Of logits, which it gets in float64.
    """
    loss = loss.for_measuring(double=True)
    total, classes = 0.0, []
    with kept_modes(net, training=False):
        for inputs, labels in batches:
            logits = net(inputs).double()
            total += loss.sum(logits, labels).item()
            classes.append(logits.argmax(1))
    predicted = torch.cat(classes)
    return Predictions(loss=total / len(predicted), classes=predicted)


def training_measures(
    predictions: Predictions, labels: Tensor, true_labels: Tensor, flipped: Tensor
) -> dict[str, float]:
    """Measure fit and memorisation on the training set.

    Args:
        predictions: Of the N training examples.
        labels: Noisy labels, int64 of shape [N].
        true_labels: Labels before noise, int64 of shape [N].
        flipped: True where the two differ, bool of shape [N].

    Returns:
        `train_loss` and `train_acc` against the noisy labels; `train_acc_kept`, the accuracy on examples whose
        label was not changed; `memorized` and `recovered`, the fractions of flipped examples predicted as their
        wrong and as their true label. All but the loss in [0, 1], NaN where there are no such examples.
    """
    classes = predictions.classes
    return {
        "train_loss": predictions.loss,
        "train_acc": fraction(classes == labels),
        "train_acc_kept": fraction((classes == labels)[~flipped]),
        "memorized": fraction((classes == labels)[flipped]),
        "recovered": fraction((classes == true_labels)[flipped]),
    }


def fraction(hits: Tensor) -> float:
    """Return the fraction of True in a bool tensor [...], in [0, 1], exactly rounded; NaN where it is empty."""
    return int(hits.sum()) / hits.numel() if hits.numel() else math.nan
