"""No augmentation: training images as they are stored."""

import torch
from torch import Tensor

from sdd.data.augmentations import Augmentation


def keep(images: Tensor, drawn: None, size: int) -> Tensor:
    """Return the images, uint8 of shape [B, C, H, W], as they are."""
    return images


def draw_nothing(count: int, size: tuple[int, int], generator: torch.Generator) -> None:
    """Draw nothing, and leave the generator alone."""


PART = Augmentation(keep, draw_nothing)
