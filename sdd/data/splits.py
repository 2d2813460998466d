"""The splits of a data set: which examples are trained on, validated on and tested on, and under which labels."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sdd.data.datasets import Dataset
from sdd.data.label_noise import LabelNoise
from sdd.data.noise import Labels, Places
from sdd.errors import UserError
from sdd.seeding import Stream


@dataclass
class Split:
    """One part of the data, on one device.

    Attributes:
        images: uint8 of shape [N, channels, height, width].
        labels: The labels that are trained or tested on, noisy for the training part; int64 of shape [N].
        true_labels: The labels before noise, int64 of shape [N].
        flipped: True where the two differ, bool of shape [N].
    """

    images: Tensor
    labels: Tensor
    true_labels: Tensor
    flipped: Tensor

    @classmethod
    def of(cls, images: Tensor, true_labels: Labels, labels: Labels) -> "Split":
        """Make a split on the CPU.

        Args:
            images: uint8 of shape [N, channels, height, width].
            true_labels: The labels before noise, int64 of shape [N].
            labels: Those after it, int64 of shape [N].
        """
        return cls(
            images.contiguous(),
            torch.from_numpy(labels),
            torch.from_numpy(true_labels),
            torch.from_numpy(labels != true_labels),
        )

    def take(self, places: Tensor) -> "Split":
        """Return some of the examples.

        Args:
            places: Of the examples, int64 of shape [M] on any device.
        """
        index = places.to(self.labels.device)
        return Split(self.images[index], self.labels[index], self.true_labels[index], self.flipped[index])

    def spread(self, count: int) -> "Split":
        """Return examples as far apart as can be, in stored order; all where there are no more than `count`."""
        examples = len(self.labels)
        return self if examples <= count else self.take(torch.arange(count) * examples // count)

    def to(self, device: torch.device) -> "Split":
        """Return the split on a device; the same tensors where they are there already."""
        return Split(
            self.images.to(device),
            self.labels.to(device),
            self.true_labels.to(device),
            self.flipped.to(device),
        )


def choose_examples(available: int, train_size: int | None, val_size: int, seed: int) -> dict[str, Places]:
    """Choose which stored training examples are trained on, and which are kept aside for validation.

    Args:
        available: Number of stored training examples.
        train_size: How many to train on; None: all that `val_size` leaves.
        val_size: How many to keep aside.
        seed: Decides which.

    Returns:
        Their places in stored order, int64 of shape [train_size] as `train` and, where `val_size` is above 0, of shape
        [val_size] as `val`; no place is in both.

    Raises:
        UserError: There are not as many.
    """
    wanted = available - val_size if train_size is None else train_size
    if wanted < 1 or wanted + val_size > available:
        raise UserError(
            f"data.train_size {wanted} and data.val_size {val_size} do not fit the {available} training examples of "
            "the data set"
        )
    order = Stream(seed, "training subset").permutation(available)
    chosen = {"train": np.sort(order[:wanted])}
    if val_size:
        chosen["val"] = np.sort(order[wanted : wanted + val_size])
    return chosen


def make_splits(
    content: Dataset, train_size: int | None, val_size: int, subset_seed: int, noise: LabelNoise
) -> dict[str, Split]:
    """Split a data set, and make the labels of all but the test set noisy.

    Args:
        content: The data set.
        train_size: How many training examples to use; None: all that `val_size` leaves.
        val_size: How many of them to keep aside for validation.
        subset_seed: Decides which.
        noise: The label noise, of its own draw in each split.

    Returns:
        `train`, `val` where `val_size` is above 0, and `test`, on the CPU. A part that has all images of the data set
        shares their memory, where that is in the order of their shape.

    Raises:
        UserError: There are too few examples, or the noise does not fit the data.
    """
    available = len(content.train_labels)
    splits = {}
    for name, places in choose_examples(available, train_size, val_size, subset_seed).items():
        true_labels = content.train_labels[places]
        labels = noise.noisy(
            true_labels,
            content.num_classes,
            content.look_alikes,
            name,
            places,
            available,
            content.classes,
            content.train_files,
        )
        every = len(places) == available  # in stored order: the images themselves, not a copy
        images = content.train_images if every else content.train_images[torch.from_numpy(places)]
        splits[name] = Split.of(images, true_labels, labels)
    splits["test"] = Split.of(content.test_images, content.test_labels, content.test_labels.copy())
    return splits
