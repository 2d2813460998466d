"""Learning from a trained network beside the labels: its part of the training loss."""

import hashlib
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sdd.errors import UserError

PEAK = "peak"
"""The `distill_level` that is the one of best test accuracy after the trough."""


@dataclass(frozen=True)
class Distillation:
    """A teacher, and how much its outputs count beside the labels (Hinton, Vinyals & Dean 2015).

    Attributes:
        teacher: A trained network, from images [B, channels, height, width] to logits [B, classes]; held in evaluation
            mode and never trained.
        weight: w in (0, 1]: the training loss is (1 − w) · loss on the labels + w · `distillation_loss`.
        temperature: T > 0 of the softmax on both sides.
    """

    teacher: nn.Module
    weight: float
    temperature: float

    def digest(self) -> str:
        """Return 32 hex digits that are others for other weights of the teacher."""
        digest = hashlib.sha256()
        for name, value in (*self.teacher.named_parameters(), *self.teacher.named_buffers()):
            digest.update(f"{name}{value.dtype}{list(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        return digest.hexdigest()[:32]

    def to(self, like: Tensor) -> None:
        """Move the teacher to a tensor's device and type of number; free where it is there already."""
        self.teacher.eval().to(like.device, like.dtype)

    def mixed(self, loss: Tensor, images: Tensor, outputs: Tensor) -> Tensor:
        """Return the training loss of a batch, a scalar.

        Args:
            loss: On the labels, a scalar.
            images: Network inputs [B, channels, height, width], as the student saw them.
            outputs: The student's logits [B, C].
        """
        with torch.no_grad():
            taught = self.teacher(images)
        distilled = distillation_loss(outputs, taught, self.temperature)
        return (1 - self.weight) * loss + self.weight * distilled


def distillation_loss(outputs: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """Return T² · KL(softmax(taught / T) ‖ softmax(outputs / T)), averaged over the batch, a scalar in nats.

    The factor T² keeps gradients of one size whatever T is (Hinton, Vinyals & Dean 2015, section 2.1).

    Args:
        outputs: The student's logits [B, C].
        taught: The teacher's [B, C].
        temperature: T > 0.
    """
    student = functional.log_softmax(outputs / temperature, 1)
    teacher = functional.log_softmax(taught / temperature, 1)
    return temperature**2 * functional.kl_div(student, teacher, reduction="batchmean", log_target=True)


def check_distillation(teacher: str | None, level: int | str, weight: float, temperature: float) -> None:
    """Find out whether the settings `model.distill_*` go together.

    Args:
        teacher: `distill_from`.
        level: `distill_level`.
        weight: `distill_weight`.
        temperature: `distill_temperature`.

    Raises:
        UserError: One is outside what is allowed, or there is a weight and no teacher.
    """
    if not 0 <= weight <= 1:
        raise UserError(f"model.distill_weight is {weight}; it must be a number from 0 to 1")
    if not 0 < temperature < math.inf:
        raise UserError(f"model.distill_temperature is {temperature}; it must be a number above 0")
    if level != PEAK and (not isinstance(level, int) or isinstance(level, bool) or level < 0):
        raise UserError(f"model.distill_level is {level}; it must be the number of a level, from 0 (dense), or {PEAK}")
    if weight and teacher is None:
        raise UserError(
            f"model.distill_weight is {weight}, but there is no teacher: set --model.distill_from to a run, or auto"
        )
