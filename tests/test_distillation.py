"""The teacher's part of the training loss."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from sdd.distillation import distillation_loss
from sdd.errors import UserError
from sdd.module import Classifier
from tests.small import sgd, small_net


def test_the_loss_of_one_example_by_hand():
    taught, outputs = torch.tensor([[0.0, math.log(3.0)]]), torch.zeros(1, 2)
    by_hand = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    assert distillation_loss(outputs, taught, 1.0).item() == pytest.approx(by_hand)
    assert distillation_loss(outputs, 2 * taught, 2.0).item() == pytest.approx(4 * by_hand)


def test_a_batch_is_averaged_and_every_logit_counts():
    draw = torch.Generator().manual_seed(0)
    outputs, taught = (torch.randn(5, 4, generator=draw, dtype=torch.float64) for _ in range(2))
    total = 0.0
    for mine, theirs in zip(outputs.tolist(), taught.tolist(), strict=True):
        p, q = ([math.exp(value / 3) for value in logits] for logits in (theirs, mine))
        total += sum(a / sum(p) * math.log(a / sum(p) * sum(q) / b) for a, b in zip(p, q, strict=True))
    assert distillation_loss(outputs, taught, 3.0).item() == pytest.approx(9 * total / 5, rel=1e-12)


class Noisy(nn.Module):
    """Another answer in training mode: dropout and batch normalisation."""

    def __init__(self):
        super().__init__()
        self.norm, self.dropout, self.fc = nn.BatchNorm1d(64), nn.Dropout(), nn.Linear(64, 10)

    def forward(self, images):
        return self.fc(self.dropout(self.norm(images.flatten(1))))


def test_the_training_loss_mixes_both_and_the_teacher_stays_as_it_is():
    module = Classifier(small_net(), sgd, distill_from="a run", distill_weight=0.25, distill_temperature=2.0)
    teacher = Noisy()
    module.teach(teacher)
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    module.train()
    images, labels = torch.randn(8, 1, 8, 8), torch.arange(8)
    loss = module.training_step((images, labels), 0)
    plain = functional.cross_entropy(module.net(images), labels)
    taught = (teacher.fc(images.flatten(1) / math.sqrt(1 + 1e-5)) / 2).softmax(1).double()
    student = (module.net(images) / 2).softmax(1).double()
    divergence = (taught * (taught / student).log()).sum(1).mean()
    assert loss.item() == pytest.approx(0.75 * plain.item() + 0.25 * 4 * divergence.item(), rel=1e-4)
    assert module._losses[0].item() == plain.item(), "what is reported is the loss on the labels"
    loss.backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert not any("teacher" in name or "norm" in name for name in module.state_dict())


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"distill_weight": 0.5}, "no teacher"),
        ({"distill_from": "a", "distill_weight": 1.5}, "from 0 to 1"),
        ({"distill_from": "a", "distill_temperature": 0.0}, "distill_temperature is 0.0"),
        ({"distill_from": "a", "distill_level": -1}, "distill_level is -1"),
        ({"distill_from": "a", "distill_level": "best"}, "distill_level is best.*or peak"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, word):
    with pytest.raises(UserError, match=word):
        Classifier(small_net(), sgd, **arguments)


def test_a_teacher_that_nobody_gave_is_missed_before_training():
    with pytest.raises(UserError, match=r"call teach\(network\)"):
        Classifier(small_net(), sgd, distill_from="x", distill_weight=1).on_train_start()


def test_a_teacher_that_was_trained_anew_meanwhile_is_refused():
    torch.manual_seed(0)
    teacher, checkpoint = small_net(), {"state_dict": {}}
    student, again, other = (Classifier(small_net(), sgd, distill_from="x", distill_weight=1) for _ in range(3))
    student.teach(teacher)
    student.on_save_checkpoint(checkpoint)
    again.teach(copy.deepcopy(teacher))
    again.on_load_checkpoint(checkpoint)
    again.on_load_checkpoint({"state_dict": {}})  # of a version that kept no digest
    with torch.no_grad():
        teacher.fc.bias[0] += 1e-6
    other.teach(teacher)
    with pytest.raises(UserError, match="distill_from: the teacher has other weights"):
        other.on_load_checkpoint(checkpoint)
