"""The in-memory loader: batches by index, made network inputs on the device, without per-image Python work."""

from collections.abc import Iterator

import torch
from torch import Tensor

from sdd.data.augmentations import each_drawn, take_drawn
from sdd.data.view import View
from sdd.seeding import torch_generator

Batch = tuple[Tensor, Tensor]
"""Network inputs, float32 of shape [B, C, height, width], and labels, int64 of shape [B]."""


_LARGEST_INPUTS = 2**30
"""Bytes of network inputs that are made once and kept; beyond it, each batch is made when it is due."""

_TAKEN_AT_ONCE = 2**20
"""Numbers in the network inputs of an epoch that are put into its order at once, not batch by batch."""


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
        shuffle: Whether each pass has an order of its own; otherwise all have the stored one.
        drop_last: Whether a last batch of fewer examples is left out.

    Attributes:
        position: (level, epoch within the level) of the pass that starts next.
        window: Which batches of that pass there are.
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
        *,
        shuffle: bool = True,
        drop_last: bool = False,
    ) -> None:
        self.images, self.labels, self.batch_size, self.view = images, labels, batch_size, view
        self.seed, self.rank, self.world_size = seed, rank, world_size
        self.shuffle, self.drop_last = shuffle, drop_last
        self.position, self.window = (0, 0), slice(None)
        self._inputs: Tensor | None = None

    def __len__(self) -> int:
        return len(range(*self.window.indices(self._batches)))

    @property
    def _batches(self) -> int:
        """Batches of a whole pass."""
        whole, rest = divmod(len(self.labels), self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    @property
    def last_size(self) -> int:
        """Examples of the last batch, over all processes together, what it is filled up with included."""
        rest = 0 if self.drop_last else len(self.labels) % self.batch_size
        return rest + -rest % self.world_size if rest else self.batch_size

    def order(self) -> Tensor:
        """Return the order of the examples in the pass at `position`, int64 of shape [N], on the CPU."""
        if not self.shuffle:
            return torch.arange(len(self.labels))
        return torch.randperm(len(self.labels), generator=torch_generator(self.seed, "batch order", *self.position))

    def _all_inputs(self) -> Tensor | None:
        """Return the network inputs of all images where they are the same in every pass and few enough to keep.

        Returns:
            float32 of shape [N, C, H, W]; None: each batch is to be made of its images.
        """
        wanted = 4 * self.images.numel() <= _LARGEST_INPUTS and self.view.is_pointwise(self.images)
        if self._inputs is None and wanted:
            self._inputs = self.view.plain(self.images)
        return self._inputs

    def __iter__(self) -> Iterator[Batch]:
        device, count = self.images.device, len(self.labels)
        order = self.order()
        size = (self.images.shape[-2], self.images.shape[-1])
        drawn = self.view.augmentation.draw(count, size, torch_generator(self.seed, "augmentation", *self.position))
        drawn = each_drawn(lambda rows: rows.to(device), drawn)
        missing = torch.arange(-count % self.world_size) % count
        order = torch.cat([order, order[missing]]).to(device)
        if self.drop_last:
            order = order[: self._batches * self.batch_size]
        made = self._all_inputs()
        if made is not None and self.world_size == 1 and made.numel() <= _TAKEN_AT_ONCE:
            inputs = made.index_select(0, order).contiguous(memory_format=self.view.normalise.memory_format)
            parts = [part.split(self.batch_size) for part in (inputs, self.labels.index_select(0, order))]
            yield from list(zip(*parts, strict=True))[self.window]
            return
        for whole in torch.split(order, self.batch_size)[self.window]:
            index = whole[self.rank :: self.world_size]
            if made is None:
                inputs = self.view.augmented(self.images.index_select(0, index), take_drawn(drawn, index))
            else:
                inputs = made.index_select(0, index).contiguous(memory_format=self.view.normalise.memory_format)
            yield inputs, self.labels.index_select(0, index)
