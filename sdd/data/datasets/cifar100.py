"""CIFAR-100: colour photographs in a hundred classes and twenty superclasses, 32 × 32 pixels (Krizhevsky 2009)."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdd.data.datasets import Dataset, DataSource
from sdd.data.datasets._torchvision import colour_dataset, read_parts

FILES = "cifar-100-python.tar.gz (or the folder cifar-100-python)"


def load_cifar100(root: Path) -> Dataset:
    """Load 50,000 training and 10,000 test images through torchvision; look-alikes are of one superclass.

    Args:
        root: Folder of the files; they are downloaded into it where they are missing.

    Raises:
        UserError: They are missing or damaged and cannot be downloaded.
    """
    parts = read_parts("cifar100", "CIFAR100", FILES, root)
    return colour_dataset(parts, num_classes=100, look_alikes=next_in_superclass(_superclasses(parts[0])))


def next_in_superclass(superclass_of: Sequence[int]) -> dict[int, int]:
    """Send each fine class to the next fine class of its superclass, cyclically (Patrini et al. 2017).

    Args:
        superclass_of: The superclass of each fine class, of length C.

    Returns:
        From fine class to fine class.
    """
    members: dict[int, list[int]] = {}
    for fine, coarse in enumerate(superclass_of):
        members.setdefault(coarse, []).append(fine)
    return {fine: group[(place + 1) % len(group)] for group in members.values() for place, fine in enumerate(group)}


def _superclasses(train: Any) -> list[int]:
    """Read the superclass of each fine class from the training file that torchvision has just verified."""
    path = Path(train.root) / train.base_folder / train.train_list[0][0]
    with path.open("rb") as file:
        content = pickle.load(file, encoding="latin1")
    pairs = dict(zip(content["fine_labels"], content["coarse_labels"], strict=True))
    return [pairs[fine] for fine in sorted(pairs)]


PART = DataSource(load_cifar100, root_is_place=True)
