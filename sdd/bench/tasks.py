"""What the benchmark trains: small experiments of each kind, as our loop and the bare one take them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sdd.data import NoisyLabelData
from sdd.data.datasets import Dataset
from sdd.models import MLP, ResNet


@dataclass(frozen=True)
class Task:
    """An experiment.

    Attributes:
        data: Its data.
        build: Makes its network.
        lr: Learning rate of SGD.
        momentum: Momentum of SGD.
        precision: `trainer.precision`.
        compiled: `model.compile`.
    """

    data: NoisyLabelData
    build: Callable[[], nn.Module]
    lr: float = 0.1
    momentum: float = 0.0
    precision: Any = "32-true"
    compiled: bool = False


def digits() -> Task:
    """`configs/digits_mlp.yaml`."""
    return Task(NoisyLabelData("digits", noise_rate=0.4), lambda: MLP(64, (300, 100)), momentum=0.9)


def mnist(root: Path, train_size: int | None) -> Task:
    """`configs/mnist_lenet.yaml`, with random images of MNIST's shape where it is not in `root`."""
    there = (root / "MNIST").is_dir()
    data = NoisyLabelData(
        "mnist" if there else "sdd.bench.tasks.random_mnist",
        root=str(root),
        train_size=train_size,
        noise_type="uniform",
        noise_rate=0.2,
    )
    return Task(data, lambda: MLP(784, (300, 100)))


def resnet(width: int, examples: int, memory_format: Any, precision: Any = "32-true", compiled: bool = False) -> Task:
    """ResNet-18 of a width, on random images of CIFAR's shape, 128 a batch."""
    data = NoisyLabelData(
        "sdd.bench.tasks.random_images", dataset_args={"examples": examples}, memory_format=memory_format
    )
    return Task(data, lambda: ResNet(width=width, num_classes=10), momentum=0.9, precision=precision, compiled=compiled)


def random_mnist(root: Path) -> Dataset:
    """Make random images and labels of MNIST's shape and number; `root` is not looked at."""
    return _random(60_000, 10_000, (1, 28, 28), 10)


def random_images(root: Path, *, examples: int, classes: int = 10, side: int = 32) -> Dataset:
    """Make random colour images.

    Args:
        root: Not looked at.
        examples: Of the training part; the test part has a tenth.
        classes: How many.
        side: Of the images, in pixels.
    """
    return _random(examples, max(1, examples // 10), (3, side, side), classes)


def _random(train: int, test: int, shape: tuple[int, int, int], classes: int) -> Dataset:
    generator = torch.Generator().manual_seed(0)

    def part(count: int) -> tuple[Tensor, Any]:
        images = torch.empty(count, *shape, dtype=torch.uint8).random_(256, generator=generator)
        return images, torch.randint(classes, (count,), generator=generator).numpy()

    channels = shape[0]
    return Dataset(*part(train), *part(test), num_classes=classes, mean=(0.5,) * channels, std=(0.29,) * channels)
