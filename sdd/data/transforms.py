"""Resampling and normalisation of stored images, batch by batch on the device; pure functions.

The conventions (centre-crop offsets, antialiased bilinear resampling) are torchvision's; images stay in floating
point between resampling and normalisation, where PIL rounds to whole grey values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Normalisation:
    """Per-channel affine map of grey values in [0, 255]: (value / 255 − mean) / std = value × scale + shift.

    Attributes:
        scale: 1 / (255 × std), float32 of shape [1, channels, 1, 1].
        shift: −mean / std, float32 of shape [1, channels, 1, 1].
        memory_format: Of the results.
    """

    scale: Tensor
    shift: Tensor
    memory_format: torch.memory_format = torch.contiguous_format

    @classmethod
    def of(
        cls,
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> "Normalisation":
        """Make the map from statistics of values in [0, 1].

        Args:
            mean: Mean of each channel.
            std: Standard deviation of each channel, above 0.
            device: Where the images are.
            memory_format: Of the results.
        """
        means, stds = (torch.tensor(list(v), dtype=torch.float64).view(1, -1, 1, 1) for v in (mean, std))
        return cls(
            scale=(1 / (255 * stds)).float().to(device),
            shift=(-means / stds).float().to(device),
            memory_format=memory_format,
        )

    def __call__(self, images: Tensor) -> Tensor:
        """Map images of shape [B, channels, height, width], uint8 or float in [0, 255], to float32 of that shape.

        Whatever the strides of the images, those of the result follow from its shape; see `float32_of_format`.
        """
        return float32_of_format(images, self.memory_format).mul_(self.scale).add_(self.shift)


def float32_of_format(images: Tensor, memory_format: torch.memory_format = torch.contiguous_format) -> Tensor:
    """Copy images to float32 with the strides that `torch.empty` gives their shape in a memory format.

    torch calls [B, 1, H, W] of strides (H·W, 1, W, 1) contiguous, so that `contiguous()` returns it as it is; but the
    gradients of convolutions on the CPU are then wrong, or written outside their memory.

    Args:
        images: Of shape [B, C, H, W], of any strides.
        memory_format: Wanted.

    Returns:
        The same values, of the same shape.
    """
    made = torch.empty(images.shape, dtype=torch.float32, device=images.device, memory_format=memory_format)
    return made.copy_(images)


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


def resize_centre_crop(images: Tensor, resize: int, size: int) -> Tensor:
    """Resize the shorter side, then cut the centre out.

    Args:
        images: Of shape [B, C, H, W], uint8 or float in [0, 255].
        resize: Shorter side after resizing, in pixels; at least `size`.
        size: Side of the square that is cut out, in pixels.

    Returns:
        float32 of shape [B, C, size, size], in [0, 255].
    """
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
