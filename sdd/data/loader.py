"""The in-memory loader: batches by index, seen and normalised on the device, without per-image Python work."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sdd.data.transforms import (
    Augmentation,
    Normalisation,
    crop_flip,
    draw_boxes,
    resize_centre_crop,
    resized_crop,
)
from sdd.seeding import torch_generator

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class View:
    """How the network sees stored images.

    Attributes:
        normalise: Map from grey values to network inputs.
        augmentation: What happens to training images.
        image_size: Side of the square that the network sees; None: the stored size.
        eval_resize: Shorter side before the centre crop without augmentation; None: `image_size`.
    """

    normalise: Normalisation
    augmentation: Augmentation = "none"
    image_size: int | None = None
    eval_resize: int | None = None

    def plain(self, images: Tensor) -> Tensor:
        """Map stored uint8 images [B, C, H, W] to network inputs without augmentation, float32."""
        size = self.image_size
        if size is None or (self.eval_resize is None and tuple(images.shape[-2:]) == (size, size)):
            return self.normalise(images)
        return self.normalise(resize_centre_crop(images, self.eval_resize or size, size))


class PlainLoader:
    """Batches in stored order without augmentation, for evaluation.

    Args:
        images: uint8 of shape [N, C, H, W].
        labels: int64 of shape [N].
        batch_size: Examples a batch.
        view: How the network sees them.
    """

    def __init__(self, images: Tensor, labels: Tensor, batch_size: int, view: View) -> None:
        self.images, self.labels, self.batch_size, self.view = images, labels, batch_size, view

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for images, labels in zip(
            torch.split(self.images, self.batch_size), torch.split(self.labels, self.batch_size), strict=True
        ):
            yield self.view.plain(images), labels


class TrainLoader:
    """Shuffled, augmented batches whose every draw is derived from (seed, purpose, level, epoch).

    With several processes each batch is split among them, so that the optimizer sees the same batches however
    many there are; the last batch is filled up from the epoch's start to a multiple of the processes.

    Args:
        images: uint8 of shape [N, C, H, W], on the device that trains.
        labels: int64 of shape [N], there too.
        batch_size: Examples a batch, over all processes together.
        view: How the network sees them.
        seed: The training seed.
        rank: Number of this process.
        world_size: Number of processes.

    Attributes:
        position: (level, epoch within the level) of the pass that starts next.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        batch_size: int,
        view: View,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.images, self.labels, self.batch_size, self.view = images, labels, batch_size, view
        self.seed, self.rank, self.world_size = seed, rank, world_size
        self.position = (0, 0)

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def order(self) -> Tensor:
        """Return the order of the examples in the pass at `position`, int64 of shape [N], on the CPU."""
        return torch.randperm(len(self.labels), generator=torch_generator(self.seed, "batch order", *self.position))

    def __iter__(self) -> Iterator[Batch]:
        device, count = self.images.device, len(self.labels)
        order = self.order()
        boxes = draw_boxes(
            self.view.augmentation,
            count,
            (self.images.shape[-2], self.images.shape[-1]),
            torch_generator(self.seed, "augmentation", *self.position),
        )
        if boxes is not None:
            boxes = boxes.to(device)
        missing = torch.arange(-count % self.world_size) % count
        order = torch.cat([order, order[missing]]).to(device)
        for whole in torch.split(order, self.batch_size):
            index = whole[self.rank :: self.world_size]
            images = self.images.index_select(0, index)
            if boxes is None:
                inputs = self.view.plain(images)
            elif self.view.augmentation == "crop_flip":
                inputs = self.view.plain(crop_flip(images, boxes.take(index)))
            else:
                size = self.view.image_size or min(images.shape[-2:])
                inputs = self.view.normalise(resized_crop(images, boxes.take(index), size))
            yield inputs, self.labels.index_select(0, index)
