"""What the data sets that torchvision downloads have in common."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdd.data.datasets import IMAGENET_MEAN, IMAGENET_STD, Dataset
from sdd.errors import UserError
from sdd.locks import only_one_process
from sdd.messages import one_line
from sdd.places import resolved

# What torchvision raises where files are missing, damaged, unreadable or cannot be fetched.
_NOT_WHOLE = (AssertionError, KeyError, OSError, RuntimeError, TypeError, ValueError)


def read_parts(name: str, torchvision_class: str, files: str, root: Path) -> tuple[Any, Any]:
    """Read the training and the test part with torchvision, downloading them where they are missing.

    Args:
        name: Of the data set.
        torchvision_class: In `torchvision.datasets`.
        files: What a user without network puts in place, below the root.
        root: Where the files are or go.

    Returns:
        Two objects of the class, for training and test.

    Raises:
        UserError: The files are missing or damaged and cannot be downloaded.
    """
    from torchvision import datasets

    make = getattr(datasets, torchvision_class)
    try:
        return make(str(root), train=True), make(str(root), train=False)
    except _NOT_WHOLE:
        pass  # not there yet, or damaged: fetch it
    try:
        with only_one_process(root / f".{name}.lock"):
            return make(str(root), train=True, download=True), make(str(root), train=False, download=True)
    except _NOT_WHOLE as error:
        raise UserError(
            f"{name} is not in {resolved(root)}, or not whole, and could not be downloaded ({one_line(str(error))}); "
            f"without network, put {files} into that folder, or set --data.root to the folder that has it"
        ) from error


def grey_dataset(
    parts: tuple[Any, Any], mean: float, std: float, look_alikes: Mapping[int, int] | None = None
) -> Dataset:
    """Make a data set of ten classes and one channel from what torchvision's MNIST classes hold.

    Args:
        parts: Training and test part: `data`, uint8 of shape [N, height, width], and `targets`, int64 of shape [N].
        mean: Mean of the training images, of values in [0, 1].
        std: Their standard deviation.
        look_alikes: From class to the class it is mistaken for; None where none are known.
    """
    train, test = parts
    return Dataset(
        train_images=train.data.unsqueeze(1),
        train_labels=train.targets.numpy(),
        test_images=test.data.unsqueeze(1),
        test_labels=test.targets.numpy(),
        num_classes=10,
        mean=(mean,),
        std=(std,),
        look_alikes=look_alikes,
        classes=getattr(train, "classes", None),
    )


def colour_dataset(parts: tuple[Any, Any], num_classes: int, look_alikes: Mapping[int, int]) -> Dataset:
    """Make a data set of three channels from what torchvision's CIFAR classes hold.

    Args:
        parts: Training and test part: `data`, uint8 of shape [N, height, width, 3], and `targets`, N integers.
        num_classes: Number of classes.
        look_alikes: From class to the class it is mistaken for.
    """
    train, test = parts

    def channels_first(images: Any) -> Tensor:
        return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()

    return Dataset(
        train_images=channels_first(train.data),
        train_labels=np.asarray(train.targets, dtype=np.int64),
        test_images=channels_first(test.data),
        test_labels=np.asarray(test.targets, dtype=np.int64),
        num_classes=num_classes,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        look_alikes=look_alikes,
        classes=getattr(train, "classes", None),
    )
