"""The data sets, each as uint8 images and integer labels in memory, with true labels only.

To add one, write a function from a root folder to a `Dataset` and name it in `DATASETS`.
"""

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from sdd.data.noise import LOOK_ALIKES, Labels, next_in_superclass
from sdd.errors import UserError
from sdd.files import only_one_process
from sdd.seeding import Stream

DatasetName = Literal["digits", "mnist", "fashion_mnist", "cifar10", "cifar100", "image_folder"]
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DIGITS_TRAIN_SIZE = 1000


@dataclass(frozen=True)
class Dataset:
    """A data set in memory, before any noise.

    Attributes:
        train_images: uint8 of shape [N, channels, height, width].
        train_labels: int64 of shape [N], in [0, num_classes).
        test_images: uint8 of shape [M, channels, height, width].
        test_labels: int64 of shape [M].
        num_classes: Number of classes.
        mean: Mean of each channel, of values in [0, 1].
        std: Standard deviation of each channel.
        look_alikes: For asymmetric noise: class to the class it is mistaken for; None where none are known.
    """

    train_images: Tensor
    train_labels: Labels
    test_images: Tensor
    test_labels: Labels
    num_classes: int
    mean: Sequence[float]
    std: Sequence[float]
    look_alikes: Mapping[int, int] | None = None


def check_dataset(name: str) -> None:
    """Raise a UserError where there is no such data set."""
    if name not in get_args(DatasetName):
        raise UserError(f"unknown data set {name!r}; allowed: {', '.join(get_args(DatasetName))}")


def load_digits(root: Path) -> Dataset:
    """Load scikit-learn's 1,797 handwritten digits of 8 × 8 pixels: 1,000 to train and 797 to test.

    They ship inside scikit-learn, so `root` is not looked at. Grey values 0 to 16 are stored as 0 to 240.
    """
    from sklearn.datasets import load_digits as read

    content = read()
    order = Stream(0, "digits split").permutation(len(content.target))
    images = torch.from_numpy(content.images[order] * 15).to(torch.uint8).unsqueeze(1)
    labels = content.target[order].astype(np.int64)
    cut = DIGITS_TRAIN_SIZE
    return Dataset(
        train_images=images[:cut],
        train_labels=labels[:cut],
        test_images=images[cut:],
        test_labels=labels[cut:],
        num_classes=10,
        mean=(0.2868,),
        std=(0.3533,),
    )


def load_mnist(root: Path) -> Dataset:
    """Load MNIST through torchvision."""
    return _grey("mnist", root, mean=0.1307, std=0.3081, look_alikes=LOOK_ALIKES["mnist"])


def load_fashion_mnist(root: Path) -> Dataset:
    """Load Fashion-MNIST through torchvision."""
    return _grey("fashion_mnist", root, mean=0.2860, std=0.3530, look_alikes=None)


def load_cifar10(root: Path) -> Dataset:
    """Load CIFAR-10 through torchvision."""
    return _colour("cifar10", root, num_classes=10, look_alikes=lambda _: LOOK_ALIKES["cifar10"])


def load_cifar100(root: Path) -> Dataset:
    """Load CIFAR-100 through torchvision, and its real superclasses from the same files."""
    return _colour(
        "cifar100", root, num_classes=100, look_alikes=lambda train: next_in_superclass(_superclasses(train))
    )


# torchvision class, and the files a user without network puts in place, below the root.
_TORCHVISION = {
    "mnist": ("MNIST", "MNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte"),
    "fashion_mnist": ("FashionMNIST", "FashionMNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte"),
    "cifar10": ("CIFAR10", "cifar-10-python.tar.gz (or the folder cifar-10-batches-py)"),
    "cifar100": ("CIFAR100", "cifar-100-python.tar.gz (or the folder cifar-100-python)"),
}
# What torchvision raises where files are missing, damaged, unreadable or cannot be fetched.
_NOT_WHOLE = (AssertionError, KeyError, OSError, RuntimeError, TypeError, ValueError)


def _torchvision(name: str, root: Path) -> tuple[Any, Any]:
    """Read the training and test part with torchvision, downloading them where they are missing."""
    from torchvision import datasets

    class_name, files = _TORCHVISION[name]
    make = getattr(datasets, class_name)
    try:
        return make(str(root), train=True), make(str(root), train=False)
    except _NOT_WHOLE:
        pass  # not there yet, or damaged: fetch it
    try:
        with only_one_process(root / f".{name}.lock"):
            return make(str(root), train=True, download=True), make(str(root), train=False, download=True)
    except _NOT_WHOLE as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{name} is not in {root.resolve()}, or not whole, and could not be downloaded ({reason}); "
            f"without network, put {files} into that folder, or set --data.root to the folder that has it"
        ) from error


def _grey(name: str, root: Path, mean: float, std: float, look_alikes: Mapping[int, int] | None) -> Dataset:
    train, test = _torchvision(name, root)
    return Dataset(
        train_images=train.data.unsqueeze(1),
        train_labels=train.targets.numpy(),
        test_images=test.data.unsqueeze(1),
        test_labels=test.targets.numpy(),
        num_classes=10,
        mean=(mean,),
        std=(std,),
        look_alikes=look_alikes,
    )


def _colour(name: str, root: Path, num_classes: int, look_alikes: Callable[[Any], Mapping[int, int]]) -> Dataset:
    train, test = _torchvision(name, root)

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
        look_alikes=look_alikes(train),
    )


def _superclasses(cifar100: Any) -> list[int]:
    """Read the superclass of each fine class from the training file that torchvision has just verified."""
    path = Path(cifar100.root) / cifar100.base_folder / cifar100.train_list[0][0]
    with path.open("rb") as file:
        content = pickle.load(file, encoding="latin1")
    pairs = dict(zip(content["fine_labels"], content["coarse_labels"], strict=True))
    return [pairs[fine] for fine in sorted(pairs)]


DATASETS: dict[str, Callable[[Path], Dataset]] = {
    "digits": load_digits,
    "mnist": load_mnist,
    "fashion_mnist": load_fashion_mnist,
    "cifar10": load_cifar10,
    "cifar100": load_cifar100,
}
