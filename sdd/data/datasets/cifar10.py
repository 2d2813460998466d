"""CIFAR-10: colour photographs in ten classes, 32 × 32 pixels (Krizhevsky 2009)."""

from pathlib import Path

from sdd.data.datasets import Dataset, DataSource
from sdd.data.datasets._torchvision import colour_dataset, read_parts

FILES = "cifar-10-python.tar.gz (or the folder cifar-10-batches-py)"
LOOK_ALIKES = {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}
"""Truck to automobile, bird to airplane, deer to horse, cat to dog and dog to cat (Patrini et al. 2017)."""


def load_cifar10(root: Path) -> Dataset:
    """Load 50,000 training and 10,000 test images through torchvision.

    Args:
        root: Folder of the files; they are downloaded into it where they are missing.

    Raises:
        UserError: They are missing or damaged and cannot be downloaded.
    """
    return colour_dataset(read_parts("cifar10", "CIFAR10", FILES, root), num_classes=10, look_alikes=LOOK_ALIKES)


PART = DataSource(load_cifar10, root_is_place=True)
