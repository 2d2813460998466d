"""Small stand-ins for the data sets that torchvision would download, and a small folder of images."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image

TRAIN, TEST = 200, 60


def _grey(root: str, train: bool, download: bool = False) -> SimpleNamespace:
    """Random images of MNIST's shape, as torchvision's class holds them."""
    count = TRAIN if train else TEST
    generator = torch.Generator().manual_seed(int(train))
    images = torch.randint(256, (count, 28, 28), dtype=torch.uint8, generator=generator)
    return SimpleNamespace(data=images, targets=torch.arange(count) % 10)


def _colour(classes: int):
    """Random images of CIFAR's shape, and the file that superclasses are read from."""

    def make(root: str, train: bool, download: bool = False) -> SimpleNamespace:
        count = TRAIN if train else TEST
        images = np.random.default_rng(int(train)).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        folder = Path(root) / "stand-in"
        folder.mkdir(parents=True, exist_ok=True)
        fine = list(range(classes))
        with (folder / "train").open("wb") as file:
            pickle.dump({"fine_labels": fine, "coarse_labels": [label % 20 for label in fine]}, file)
        return SimpleNamespace(
            data=images,
            targets=[label % classes for label in range(count)],
            root=root,
            base_folder="stand-in",
            train_list=[("train", "")],
        )

    return make


STAND_INS = {"MNIST": _grey, "FashionMNIST": _grey, "CIFAR10": _colour(10), "CIFAR100": _colour(100)}
"""In the place of the classes of `torchvision.datasets`."""


def human_labels(folder: Path, count: int) -> None:
    """Write label files in the form of CIFAR-10N and CIFAR-100N."""
    labels = np.arange(count) * 7 % 10
    ten = {key: (labels + place) % 10 for place, key in enumerate(("aggre_label", "random_label1", "worse_label"))}
    ten |= {"random_label2": labels, "random_label3": labels}
    torch.save(ten, folder / "CIFAR-10_human.pt")
    torch.save({"noisy_label": labels}, folder / "CIFAR-100_human.pt")


def image_folder(root: Path, classes: int = 4, train: int = 20, test: int = 5, side: int = 64) -> Path:
    """Write random PNG files in train/CLASS and val/CLASS."""
    generator = np.random.default_rng(0)
    for part, count in (("train", train), ("val", test)):
        for label in range(classes):
            folder = root / part / f"class{label}"
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return root
