"""The 49 figures of the paper as data: what is drawn in which panel, and from which experiments."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from sdd.reproduce.experiments import (
    CIFAR10,
    CIFAR10_VGG,
    CIFAR100,
    CIFAR100_VGG,
    MNIST,
    REDENSE,
    TICKETS,
    TINY_IMAGENET,
    Experiment,
)

Kind = Literal["accuracy", "phases", "gap", "best", "distance", "tickets", "epochs", "path", "loss_curves"]
"""What is drawn:

- `accuracy`: training and test accuracy over sparsity; `phases`: the same, phases shaded;
- `gap`: generalisation gap over sparsity;
- `best`: training accuracy and best test accuracy of a level's epochs, over sparsity;
- `distance`: learning distance and test accuracy over sparsity;
- `tickets`: test accuracy of winning tickets and of fresh weights under the same masks, over sparsity;
- `epochs`: training and test accuracy over the epochs of four levels, of sparse and, where there is one, re-dense
  training;
- `path`: accuracy and loss on the way from sparse to re-dense weights;
- `loss_curves`: training loss around re-dense weights, along random directions.
"""


@dataclass(frozen=True)
class Plot:
    """One panel, or the panels of one experiment's levels. Attributes: title: Above it. experiment: What it shows."""

    title: str
    experiment: Experiment


@dataclass(frozen=True)
class Figure:
    """A figure of the paper.

    Attributes:
        name: Its number.
        about: What it shows, in half a sentence.
        kind: What is drawn.
        plots: From left to right.
        only_peak: Of a figure of levels: only the level of the peak, not those of all phases.
    """

    name: str
    about: str
    kind: Kind
    plots: tuple[Plot, ...]
    only_peak: bool = False

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """Those that it is drawn from, each after the one whose levels it is trained from, none twice."""
        needed: dict[Experiment, None] = {}
        for plot in self.plots:
            for experiment in (plot.experiment.source, plot.experiment):
                if experiment is not None:
                    needed[experiment] = None
        return tuple(needed)


TASK_NAMES = {
    MNIST: "MNIST, LeNet-300-100",
    CIFAR10: "CIFAR-10, ResNet-18",
    CIFAR100: "CIFAR-100, ResNet-18",
    CIFAR10_VGG: "CIFAR-10, VGG-16",
    CIFAR100_VGG: "CIFAR-100, VGG-16",
    TINY_IMAGENET: "Tiny ImageNet, ResNet-101",
}

CRITERIA = {"magnitude": "magnitude", "gradient": "gradient", "random": "random"}
RETRAINING = {"finetune": "fine-tuning", "lr_rewind": "learning-rate rewinding", "scratch": "from scratch"}
RATES = (0.2, 0.4, 0.8)


def _by_criterion(task: str, noise_rate: float, noise_type: str = "uniform") -> tuple[Plot, ...]:
    return tuple(
        Plot(f"{title} pruning", Experiment(task, noise_rate, noise_type, criterion))
        for criterion, title in CRITERIA.items()
    )


def _by_retraining(task: str, noise_rate: float, modes: Iterable[str] = RETRAINING) -> tuple[Plot, ...]:
    return tuple(Plot(RETRAINING[mode], Experiment(task, noise_rate, retrain=mode)) for mode in modes)


def _by_rate(
    task: str, rates: Iterable[float] = RATES, retrain: str = "lottery", named: Callable[[float], str] | None = None
) -> tuple[Plot, ...]:
    title = named or (lambda rate: f"ε = {100 * rate:g} %")
    return tuple(Plot(title(rate), Experiment(task, rate, retrain=retrain)) for rate in rates)


def _by_task(tasks: Iterable[str], noise_rate: float) -> tuple[Plot, ...]:
    return tuple(Plot(TASK_NAMES[task], Experiment(task, noise_rate)) for task in tasks)


def _named(task: str) -> Callable[[float], str]:
    """Return what to call a rate in a figure of several data sets."""
    return lambda rate: f"{TASK_NAMES[task].partition(',')[0]}, ε = {100 * rate:g} %"


def _redense(task: str, noise_rate: float, *rates: float | None) -> tuple[Plot, ...]:
    titles = {rate: "" if len(rates) == 1 else f"rate {rate:g}" for rate in rates}
    return tuple(
        Plot(title, Experiment(task, noise_rate, retrain=REDENSE, redense_lr=rate)) for rate, title in titles.items()
    )


def _tickets(*tasks: str) -> tuple[Plot, ...]:
    several = len(tasks) > 1
    return tuple(
        plot for task in tasks for plot in _by_rate(task, retrain=TICKETS, named=_named(task) if several else None)
    )


_ALL = (MNIST, CIFAR10, CIFAR100)

FIGURES: dict[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("1", "sparse double descent on three data sets", "accuracy", _by_task(_ALL, 0.2)),
        Figure("2", "criteria, CIFAR-100, ε 40 %", "accuracy", _by_criterion(CIFAR100, 0.4)),
        Figure("3", "retraining, CIFAR-100, ε 40 %", "accuracy", _by_retraining(CIFAR100, 0.4)),
        Figure("4", "noise rates, CIFAR-10", "accuracy", _by_rate(CIFAR10)),
        Figure("5", "the four phases, MNIST, ε 20 %", "phases", _by_rate(MNIST, (0.2,))),
        Figure(
            "6", "epochs of sparse and re-dense training, CIFAR-100, ε 40 %", "epochs", _redense(CIFAR100, 0.4, 0.001)
        ),
        Figure(
            "7", "from sparse to re-dense, CIFAR-100, ε 40 %, sweet phase", "path", _redense(CIFAR100, 0.4, 0.001), True
        ),
        Figure("8", "loss around re-dense solutions, CIFAR-100, ε 40 %", "loss_curves", _redense(CIFAR100, 0.4, 0.001)),
        Figure("9", "learning distance, MNIST", "distance", _by_rate(MNIST)),
        Figure("10", "winning tickets, CIFAR-10 and CIFAR-100", "tickets", _tickets(CIFAR10, CIFAR100)),
        Figure("11", "best epochs, CIFAR-100, ε 40 %", "best", _by_criterion(CIFAR100, 0.4)),
        Figure("12", "learning distance, CIFAR-100", "distance", _by_rate(CIFAR100)),
        Figure("13", "criteria, MNIST, ε 20 %", "accuracy", _by_criterion(MNIST, 0.2)),
        Figure("14", "criteria, MNIST, ε 40 %", "accuracy", _by_criterion(MNIST, 0.4)),
        Figure("15", "retraining, MNIST, ε 20 %", "accuracy", _by_retraining(MNIST, 0.2)),
        Figure("16", "criteria, CIFAR-10, ε 20 %", "accuracy", _by_criterion(CIFAR10, 0.2)),
        Figure("17", "criteria, CIFAR-10, ε 40 %", "accuracy", _by_criterion(CIFAR10, 0.4)),
        Figure("18", "criteria, CIFAR-10, ε 80 %", "accuracy", _by_criterion(CIFAR10, 0.8)),
        Figure("19", "retraining, CIFAR-10, ε 20 %", "accuracy", _by_retraining(CIFAR10, 0.2)),
        Figure("20", "criteria, VGG-16 on CIFAR-10, ε 20 %", "accuracy", _by_criterion(CIFAR10_VGG, 0.2)),
        Figure("21", "criteria, CIFAR-10, asymmetric ε 20 %", "accuracy", _by_criterion(CIFAR10, 0.2, "asymmetric")),
        Figure("22", "criteria, CIFAR-10, pairflip ε 20 %", "accuracy", _by_criterion(CIFAR10, 0.2, "pairflip")),
        Figure("23", "criteria, CIFAR-100, ε 20 %", "accuracy", _by_criterion(CIFAR100, 0.2)),
        Figure("24", "criteria, CIFAR-100, ε 40 %", "accuracy", _by_criterion(CIFAR100, 0.4)),
        Figure("25", "criteria, CIFAR-100, ε 80 %", "accuracy", _by_criterion(CIFAR100, 0.8)),
        Figure("26", "retraining, CIFAR-100, ε 40 %", "accuracy", _by_retraining(CIFAR100, 0.4)),
        Figure("27", "criteria, VGG-16 on CIFAR-100, ε 40 %", "accuracy", _by_criterion(CIFAR100_VGG, 0.4)),
        Figure("28", "criteria, CIFAR-100, asymmetric ε 40 %", "accuracy", _by_criterion(CIFAR100, 0.4, "asymmetric")),
        Figure("29", "criteria, CIFAR-100, pairflip ε 40 %", "accuracy", _by_criterion(CIFAR100, 0.4, "pairflip")),
        Figure("30", "one-shot pruning, Tiny ImageNet, ε 20 %", "accuracy", _by_task((TINY_IMAGENET,), 0.2)),
        Figure("31", "clean labels", "accuracy", _by_task((CIFAR10, CIFAR100), 0.0)),
        Figure("32", "generalisation gap", "gap", _by_task(_ALL, 0.2)),
        Figure("33", "winning tickets, CIFAR-10", "tickets", _tickets(CIFAR10)),
        Figure("34", "winning tickets, CIFAR-100", "tickets", _tickets(CIFAR100)),
        Figure("35", "epochs of four levels, MNIST", "epochs", _by_rate(MNIST, (0.2, 0.4))),
        Figure(
            "36",
            "epochs of four levels, CIFAR-10 and CIFAR-100",
            "epochs",
            tuple(plot for task in (CIFAR10, CIFAR100) for plot in _by_rate(task, named=_named(task))),
        ),
        Figure("37", "epochs of sparse and re-dense training, MNIST, ε 20 %", "epochs", _redense(MNIST, 0.2, 0.1)),
        Figure(
            "38",
            "epochs of sparse and re-dense training, CIFAR-10, ε 20 %",
            "epochs",
            _redense(CIFAR10, 0.2, 0.001, 0.0001),
        ),
        Figure(
            "39",
            "epochs of sparse and re-dense training, CIFAR-100, ε 40 %",
            "epochs",
            _redense(CIFAR100, 0.4, 0.001, 0.0001),
        ),
        Figure("40", "from sparse to re-dense, MNIST, ε 20 %", "path", _redense(MNIST, 0.2, 0.1)),
        Figure("41", "from sparse to re-dense, CIFAR-10, ε 20 %", "path", _redense(CIFAR10, 0.2, 0.001)),
        Figure("42", "from sparse to re-dense, CIFAR-100, ε 40 %", "path", _redense(CIFAR100, 0.4, 0.001)),
        Figure("43", "loss around re-dense solutions, CIFAR-10, ε 20 %", "loss_curves", _redense(CIFAR10, 0.2, 0.001)),
        Figure("44", "learning distance, MNIST", "distance", _by_rate(MNIST)),
        Figure(
            "45",
            "learning distance by retraining, MNIST, ε 20 %",
            "distance",
            _by_retraining(MNIST, 0.2, ("lr_rewind", "scratch")),
        ),
        Figure("46", "learning distance, CIFAR-10", "distance", _by_rate(CIFAR10)),
        Figure("47", "learning distance by retraining, CIFAR-10, ε 20 %", "distance", _by_retraining(CIFAR10, 0.2)),
        Figure("48", "learning distance, CIFAR-100", "distance", _by_rate(CIFAR100)),
        Figure("49", "learning distance by retraining, CIFAR-100, ε 40 %", "distance", _by_retraining(CIFAR100, 0.4)),
    )
}
"""By number."""
