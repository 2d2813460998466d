"""Augmentations of training images: one file for each, of what is drawn for an image and what that does to it.

A new augmentation is a new file here that holds its record as `PART`; from outside, `--data.augment my_package.mine`
names a record or a function such as `Augmentation.apply`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sdd.parts import Kind

Drawn = Tensor | tuple[Tensor, ...] | None
"""What is drawn for N images: a tensor of N rows, a (named) tuple of such tensors, or nothing."""


def draw_uniform(count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Draw a number in [0, 1) for each image.

    Args:
        count: Number of images, N.
        size: Their height and width.
        generator: CPU generator.

    Returns:
        float32 of shape [N], on the CPU.
    """
    return torch.rand(count, generator=generator)


@dataclass(frozen=True)
class Augmentation:
    """What happens to training images, anew in every pass.

    All draws of a pass are made at once, so that they do not depend on how many processes or batches there are.

    Attributes:
        apply: From images, uint8 of shape [B, C, H, W], what was drawn for them (its B rows, on their device) and the
            side of the square that the network sees, to as many images, uint8 or float, of values in [0, 255] and
            any strides; keyword-only arguments are set by `data.augment_args`.
        draw: From the number of images N, their (height, width) and a CPU generator to what `apply` needs, N rows.
        resizes: Whether `apply` gives squares of the side that the network sees; otherwise it keeps the size, and the
            images are brought to what the network sees as in evaluation.
    """

    apply: Callable[..., Tensor]
    draw: Callable[[int, tuple[int, int], torch.Generator], Drawn] = draw_uniform
    resizes: bool = False


AUGMENTATIONS = Kind("data.augment", "sdd.data.augmentations", Augmentation)


def each_drawn(function: Callable[[Tensor], Tensor], drawn: Drawn) -> Drawn:
    """Return what was drawn for N images with a function applied to each of its tensors, [N, ...]."""
    if drawn is None or isinstance(drawn, Tensor):
        return None if drawn is None else function(drawn)
    changed = [function(part) for part in drawn]
    return type(drawn)(*changed) if hasattr(drawn, "_fields") else tuple(changed)


def take_drawn(drawn: Drawn, index: Tensor) -> Drawn:
    """Return what was drawn for some of the images.

    Args:
        drawn: For all N images.
        index: Which, int64 of shape [B], in [0, N); on the device of what was drawn.
    """
    return each_drawn(lambda rows: rows[index], drawn)
