"""From stored uint8 images to what the network sees, batch by batch on the device; pure functions.

The conventions (padding with black, parameters of a random resized crop, centre-crop offsets, antialiased bilinear
resampling) are torchvision's; images stay in floating point between resampling and normalisation, where PIL
rounds to whole grey values.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Augmentation = Literal["none", "crop_flip", "resized_crop_flip"]
CROP_PADDING = 4
_AREA = (0.08, 1.0)
_ASPECT = (3 / 4, 4 / 3)
_ATTEMPTS = 10


@dataclass(frozen=True)
class Normalisation:
    """Per-channel affine map of uint8 values: (value / 255 − mean) / std."""

    scale: Tensor
    shift: Tensor

    @classmethod
    def of(cls, mean: Sequence[float], std: Sequence[float], device: torch.device) -> "Normalisation":
        """Make the map from means and standard deviations of values in [0, 1]."""
        means, stds = (torch.tensor(list(v), dtype=torch.float64).view(1, -1, 1, 1) for v in (mean, std))
        return cls(
            scale=(1 / (255 * stds)).float().to(device),
            shift=(-means / stds).float().to(device),
        )

    def __call__(self, images: Tensor) -> Tensor:
        """Map images of shape [B, channels, height, width], uint8 or float in [0, 255], to float32."""
        return images.to(torch.float32, copy=True).mul_(self.scale).add_(self.shift)


@dataclass(frozen=True)
class Boxes:
    """A rectangle in each of N images, in pixels, and whether to mirror it; int64 and bool of shape [N]."""

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor
    flip: Tensor

    def take(self, index: Tensor) -> "Boxes":
        """Return the boxes of some images."""
        return Boxes(*(part[index] for part in (self.top, self.left, self.height, self.width, self.flip)))

    def to(self, device: torch.device) -> "Boxes":
        """Return the boxes on a device."""
        return Boxes(*(part.to(device) for part in (self.top, self.left, self.height, self.width, self.flip)))


def draw_boxes(
    augmentation: Augmentation, count: int, size: tuple[int, int], generator: torch.Generator
) -> Boxes | None:
    """Draw where each of `count` images of (height, width) `size` is cut and whether it is mirrored.

    For `crop_flip` the rectangle lies in the image padded by 4 on each side and has the image's own size; for
    `resized_crop_flip` it covers 8 to 100 % of the area at an aspect ratio between 3:4 and 4:3.

    Returns:
        The boxes, on the CPU; None where there is no augmentation.
    """
    if augmentation == "none":
        return None
    flip = torch.rand(count, generator=generator) < 0.5
    height, width = size
    if augmentation == "crop_flip":
        top, left = torch.randint(2 * CROP_PADDING + 1, (2, count), generator=generator)
        return Boxes(top, left, torch.full_like(top, height), torch.full_like(top, width), flip)
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
    top_share, left_share = torch.rand((2, count), dtype=torch.float64, generator=generator)
    top = (top_share * (height - box_height + 1)).long()
    left = (left_share * (width - box_width + 1)).long()
    top[none_fits], left[none_fits] = (height - whole_height) // 2, (width - whole_width) // 2
    return Boxes(top, left, box_height, box_width, flip)


def _largest_centre_box(height: int, width: int) -> tuple[int, int]:
    """Return (width, height) of the largest box of an allowed aspect ratio."""
    if width / height < _ASPECT[0]:
        return width, round(width / _ASPECT[0])
    if width / height > _ASPECT[1]:
        return round(height * _ASPECT[1]), height
    return width, height


def crop_flip(images: Tensor, boxes: Boxes) -> Tensor:
    """Pad with black, cut each image's box out and mirror where asked; uint8 [B, C, H, W] in and out."""
    padded = functional.pad(images, (CROP_PADDING,) * 4)
    height, width = images.shape[-2:]
    rows = boxes.top[:, None] + torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device).expand(len(images), width)
    columns = boxes.left[:, None] + torch.where(boxes.flip[:, None], width - 1 - columns, columns)
    batch = torch.arange(len(images), device=images.device)[:, None, None]
    # Indices on the batch and both image axes put the channels last.
    return padded[batch, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def resample_weights(start: Tensor, length: Tensor, size_in: int, size_out: int) -> Tensor:
    """Weights of antialiased bilinear resampling of an interval along one axis, as PIL and torchvision have it.

    Args:
        start: First pixel of the interval, of shape [B].
        length: Pixels in the interval, of shape [B].
        size_in: Pixels along the axis.
        size_out: Pixels wanted.

    Returns:
        Float32 of shape [B, size_out, size_in], each row summing to 1.
    """
    start, length = start.double()[:, None, None], length.double()[:, None, None]
    scale = length / size_out
    centre = start + (torch.arange(size_out, device=start.device).double()[:, None] + 0.5) * scale
    pixel = torch.arange(size_in, device=start.device).double()[None, :] + 0.5
    weights = (1 - (pixel - centre).abs() / scale.clamp(min=1)).clamp(min=0)
    weights = weights * ((pixel > start) & (pixel < start + length))
    return (weights / weights.sum(-1, keepdim=True)).float()


def resized_crop(images: Tensor, boxes: Boxes, size: int) -> Tensor:
    """Resample each image's box to a square; uint8 [B, C, H, W] in, float [B, C, size, size] in [0, 255] out."""
    rows = resample_weights(boxes.top, boxes.height, images.shape[-2], size)
    columns = resample_weights(boxes.left, boxes.width, images.shape[-1], size)
    columns = torch.where(boxes.flip[:, None, None], columns.flip(1), columns)
    return torch.einsum("brh,bchw,bsw->bcrs", rows, images.float(), columns)


def resize_centre_crop(images: Tensor, resize: int, size: int) -> Tensor:
    """Resize the shorter side, then cut the centre out; float [B, C, size, size] in [0, 255]."""
    height, width = images.shape[-2:]
    short = min(height, width)
    matrices = []
    for length in (height, width):
        target = int(resize * length / short)
        weights = resample_weights(
            torch.zeros(1, device=images.device),
            torch.full((1,), length, device=images.device),
            length,
            target,
        )[0]
        offset = round((target - size) / 2)
        matrices.append(weights[offset : offset + size])
    return torch.einsum("rh,bchw,sw->bcrs", matrices[0], images.float(), matrices[1])
