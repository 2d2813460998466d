"""What a curve of the paper was trained on and how: the part of a recipe in which its figures differ."""

from dataclasses import dataclass, replace

MNIST, CIFAR10, CIFAR100 = "mnist_lenet", "cifar10_resnet18", "cifar100_resnet18"
CIFAR10_VGG, CIFAR100_VGG, TINY_IMAGENET = "cifar10_vgg16", "cifar100_vgg16", "tinyimagenet_resnet101"

TASKS = (MNIST, CIFAR10, CIFAR100, CIFAR10_VGG, CIFAR100_VGG, TINY_IMAGENET)
"""Data set and network, as the scales name them."""

TICKETS, REDENSE = "tickets", "redense"
"""Trained from the levels of another run: fresh weights under its masks, and its weights with the masks released."""

NOISE_TYPES = ("uniform", "asymmetric", "pairflip")
"""Label noise of the figures; `uniform` is what the paper calls symmetric."""

DECIDED = (
    "config",
    "run_dir",
    "seed_everything",
    "data.noise_type",
    "data.noise_rate",
    "pruning.criterion",
    "pruning.retrain",
    "pruning.masks_from",
    "pruning.redense_lr",
    "pruning.dense_from",
    "pruning.sparsities",
)
"""Settings that figures and scales decide: were they given, curves that differ in them would become one."""


def decided_by(name: str) -> str | None:
    """Return the setting of `DECIDED` that a setting is, or is a whole section of; None: it is free."""
    return next((known for known in DECIDED if known == name or known.startswith(f"{name}.")), None)


@dataclass(frozen=True)
class Experiment:
    """One curve, but for its seed.

    Attributes:
        task: Data set and network, one of `TASKS`.
        noise_rate: ε, in [0, 1].
        noise_type: `uniform` is what the paper calls symmetric.
        criterion: Of pruning.
        retrain: A retraining mode, `TICKETS` or `REDENSE`.
        redense_lr: Rate of re-dense training; None: the last one of the schedule.
    """

    task: str
    noise_rate: float = 0.2
    noise_type: str = "uniform"
    criterion: str = "magnitude"
    retrain: str = "lottery"
    redense_lr: float | None = None

    @property
    def source(self) -> "Experiment | None":
        """The experiment whose levels this one is trained from, if any."""
        if self.retrain not in (TICKETS, REDENSE):
            return None
        return replace(self, retrain="lottery", redense_lr=None)
