"""Random resized crop and mirroring, as torchvision has it: the usual one for ImageNet (Szegedy et al. 2015)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from sdd.data.augmentations import Augmentation
from sdd.data.transforms import resample_weights

_AREA = (0.08, 1.0)
_ASPECT = (3 / 4, 4 / 3)
_ATTEMPTS = 10


class Boxes(NamedTuple):
    """A rectangle in each of N images, in pixels, and whether to mirror it; int64 and bool of shape [N]."""

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor
    flip: Tensor


def draw_boxes(count: int, size: tuple[int, int], generator: torch.Generator) -> Boxes:
    """Draw a rectangle of each image, and whether it is mirrored (one in two).

    It covers 8 to 100 % of the area at an aspect ratio between 3:4 and 4:3.

    Args:
        count: Number of images, N.
        size: Their height and width.
        generator: CPU generator.

    Returns:
        Rectangles inside the image, on the CPU.
    """
    flip = torch.rand(count, generator=generator) < 0.5
    height, width = size
    shape = (_ATTEMPTS, count)
    area = height * width * torch.empty(shape, dtype=torch.float64).uniform_(*_AREA, generator=generator)
    log_aspect = torch.empty(shape, dtype=torch.float64)
    aspect = log_aspect.uniform_(math.log(_ASPECT[0]), math.log(_ASPECT[1]), generator=generator).exp()
    widths, heights = (area * aspect).sqrt().round().long(), (area / aspect).sqrt().round().long()
    fits = (widths > 0) & (widths <= width) & (heights > 0) & (heights <= height)
    first = fits.int().argmax(0, keepdim=True)
    box_width, box_height = widths.gather(0, first)[0], heights.gather(0, first)[0]
    none_fits = ~fits.any(0)
    whole_width, whole_height = _largest_centre_box(height, width)
    box_width[none_fits], box_height[none_fits] = whole_width, whole_height
    down, across = torch.rand((2, count), dtype=torch.float64, generator=generator)
    top = (down * (height - box_height + 1)).long()
    left = (across * (width - box_width + 1)).long()
    top[none_fits], left[none_fits] = (height - whole_height) // 2, (width - whole_width) // 2
    return Boxes(top, left, box_height, box_width, flip)


def _largest_centre_box(height: int, width: int) -> tuple[int, int]:
    """Return (width, height) of the largest box of an allowed aspect ratio."""
    if width / height < _ASPECT[0]:
        return width, round(width / _ASPECT[0])
    if width / height > _ASPECT[1]:
        return round(height * _ASPECT[1]), height
    return width, height


def resized_crop_flip(images: Tensor, boxes: Boxes, size: int) -> Tensor:
    """Resample each image's box to a square, and mirror where asked.

    Args:
        images: uint8 of shape [B, C, H, W].
        boxes: Of these images, on their device.
        size: Side of the square, in pixels.

    Returns:
        float32 of shape [B, C, size, size], in [0, 255].
    """
    rows = resample_weights(boxes.top, boxes.height, images.shape[-2], size)
    columns = resample_weights(boxes.left, boxes.width, images.shape[-1], size)
    columns = torch.where(boxes.flip[:, None, None], columns.flip(1), columns)
    return torch.einsum("brh,bchw,bsw->bcrs", rows, images.float(), columns)


PART = Augmentation(resized_crop_flip, draw_boxes, resizes=True)
