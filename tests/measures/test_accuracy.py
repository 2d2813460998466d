import math

import torch
from torch import nn

from sdd.losses import LOSSES
from sdd.measures.accuracy import Predictions, predict, training_measures


class Echo(nn.Module):
    """Gives its input back, but only in evaluation mode."""

    def forward(self, inputs):
        assert not self.training
        return inputs


def test_predictions_average_over_examples_of_uneven_batches():
    logits = torch.randn(7, 3, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    net = Echo()
    result = predict(net, [(logits[:5], labels[:5]), (logits[5:], labels[5:])], LOSSES.get("cross_entropy"))
    by_hand = -sum(math.log(math.exp(logits[i, labels[i]]) / sum(math.exp(v) for v in logits[i])) for i in range(7))
    assert math.isclose(result.loss, by_hand / 7, rel_tol=1e-12)
    assert result.classes.tolist() == [max(range(3), key=lambda c: logits[i, c]) for i in range(7)]
    assert net.training


def test_training_measures_of_a_hand_worked_example():
    # Examples 0-3 kept their label, 4-7 were flipped.
    true = torch.tensor([0, 1, 2, 0, 0, 1, 2, 2])
    noisy = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    predicted = torch.tensor([0, 1, 2, 1, 1, 2, 2, 0])
    measures = training_measures(Predictions(0.5, predicted), noisy, true, noisy != true)
    assert measures == {
        "train_loss": 0.5,
        "train_acc": 5 / 8,
        "train_acc_kept": 3 / 4,
        "memorized": 2 / 4,
        "recovered": 1 / 4,
    }


def test_without_flipped_labels_memorisation_is_not_a_number():
    labels = torch.tensor([0, 1])
    measures = training_measures(Predictions(0.0, labels), labels, labels, labels != labels)
    assert math.isnan(measures["memorized"])
    assert math.isnan(measures["recovered"])
    assert measures["train_acc_kept"] == 1
