"""Random crop with padding 4 and mirroring, the usual augmentation of CIFAR (He et al. 2016, section 4.2)."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from sdd.data.augmentations import Augmentation

PADDING = 4


class Crops(NamedTuple):
    """Where each of N padded images is cut, in pixels, and whether it is mirrored; int64 and bool of shape [N]."""

    top: Tensor
    left: Tensor
    flip: Tensor


def draw_crops(count: int, size: tuple[int, int], generator: torch.Generator) -> Crops:
    """Draw where each image, padded by 4 on each side, is cut, and whether it is mirrored (one in two).

    Args:
        count: Number of images, N.
        size: Their height and width, which the crop has too.
        generator: CPU generator.

    Returns:
        Offsets in [0, 8], on the CPU.
    """
    flip = torch.rand(count, generator=generator) < 0.5
    top, left = torch.randint(2 * PADDING + 1, (2, count), generator=generator)
    return Crops(top, left, flip)


def crop_flip(images: Tensor, crops: Crops, size: int) -> Tensor:
    """Pad with black, cut each image at its place and mirror where asked.

    Args:
        images: uint8 of shape [B, C, H, W].
        crops: Of these images, on their device.
        size: Not looked at: a crop has the image's own size.

    Returns:
        uint8 of shape [B, C, H, W].
    """
    padded = functional.pad(images, (PADDING,) * 4)
    height, width = images.shape[-2:]
    rows = crops.top[:, None] + torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device).expand(len(images), width)
    columns = crops.left[:, None] + torch.where(crops.flip[:, None], width - 1 - columns, columns)
    batch = torch.arange(len(images), device=images.device)[:, None, None]
    # Indices on the batch and both image axes put the channels last.
    return padded[batch, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


PART = Augmentation(crop_flip, draw_crops)
