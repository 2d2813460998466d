"""`python -m sdd bench`: our training loop against a bare one that takes the same steps, side by side.

The bare loop is what a careful researcher writes by hand for one experiment: tensors in memory, batches by index,
masks multiplied in after each step, no logging, no checkpoints, no progress. Both run in turns in one process, so that
a noisy machine slows both.
"""

import os
import platform
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.nn import functional

from sdd.callbacks import AccuracyMeasures, IterativePruning, JobProgress, LearningDistance
from sdd.cli.command import run_experiment
from sdd.console import OneLineParser, quieten_lightning, say
from sdd.data import NoisyLabelData
from sdd.data.datasets import Dataset
from sdd.data.transforms import Normalisation
from sdd.errors import UserError
from sdd.models import MLP
from sdd.module import Classifier
from sdd.pruning.masks import Masks, mask_state
from sdd.pruning.prunable import prunable_parameters
from sdd.pruning.prune import prune
from sdd.pruning.schedules import OfRemaining
from sdd.pruning.scopes import Group, Surviving

_DIGITS = Path("configs/digits_mlp.yaml")


def bench(arguments: Sequence[str]) -> int:
    """Print the table; see `--help`."""
    parser = OneLineParser(prog="python -m sdd bench", description=__doc__)
    parser.add_argument("--epochs", type=int, default=10, help="MNIST epochs of each kind (default: 10)")
    parser.add_argument("--rounds", type=int, default=3, help="whole digits runs of each kind (default: 3; 0: none)")
    parser.add_argument("--threads", type=int, help="CPU threads of the MNIST part (default: all cores)")
    parser.add_argument("--root", default="data", help="folder of MNIST; without it, random images of its shape")
    parser.add_argument("--accelerator", default="cpu", choices=["cpu", "gpu"], help="where (default: cpu)")
    chosen = parser.parse_args(arguments)
    if chosen.rounds and not _DIGITS.is_file():
        raise UserError(f"no {_DIGITS} here: run bench from the project's folder, or with --rounds 0")
    quieten_lightning()
    threads = torch.get_num_threads()
    say(
        f"sdd bench on {platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, {chosen.accelerator}"
        + (f" {torch.cuda.get_device_name()}" if chosen.accelerator == "gpu" else "")
    )
    say(f"{'':44}{'bare s':>9}{'sdd s':>9}{'ratio':>8}{'min':>8}{'max':>8}{'pairs':>7}")
    torch.set_num_threads(chosen.threads or threads)
    pairs, evaluations = mnist_epochs(chosen.epochs, Path(chosen.root), chosen.accelerator)
    print_row(f"mnist_lenet, an epoch, {torch.get_num_threads()} threads", pairs)
    say(f"{'  its two evaluations (60,000 and 10,000)':44}{'':9}{median(evaluations):9.2f}")
    torch.set_num_threads(threads)
    if chosen.rounds:
        print_row("digits_mlp, the whole run", [digits_pair() for _ in range(chosen.rounds)])
        torch.set_num_threads(threads)
    return 0


def print_row(name: str, pairs: Sequence[tuple[float, float]]) -> None:
    """Print the medians of (bare, sdd) seconds and of the ratios pair by pair."""
    ratios = [ours / bare for bare, ours in pairs]
    bare, ours = (median(pair[side] for pair in pairs) for side in (0, 1))
    say(f"{name:44}{bare:9.2f}{ours:9.2f}{median(ratios):8.2f}{min(ratios):8.2f}{max(ratios):8.2f}{len(pairs):7}")


class _Alternation(pl.Callback):
    """After each of our epochs runs a bare one; times all that lies between two bare ones as ours."""

    def __init__(self, bare: "BareLoop") -> None:
        self.bare, self.pairs, self.resumed = bare, list[tuple[float, float]](), 0.0

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Time ours, then run and time the bare epoch."""
        _synchronise()
        ours = time.perf_counter() - self.resumed
        start = time.perf_counter()
        self.bare.epoch()
        _synchronise()
        # The first epoch of a level also prunes and evaluates.
        if trainer.current_epoch > trainer.max_epochs // 2:  # type: ignore[operator]
            self.pairs.append((time.perf_counter() - start, ours))
        self.resumed = time.perf_counter()


def _synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def mnist_epochs(epochs: int, root: Path, accelerator: str) -> tuple[list[tuple[float, float]], list[float]]:
    """Alternate epochs of LeNet-300-100 on 60,000 images, both with masks.

    Returns:
        (bare, sdd) seconds of each pair; and seconds of the evaluation of training and test set.
    """
    dataset = "mnist" if (root / "MNIST").is_dir() else "sdd.bench.load_random_mnist"
    data = NoisyLabelData(dataset, root=str(root), noise_type="uniform", noise_rate=0.4)

    def build() -> nn.Module:
        return MLP(784, (300, 100))

    module = Classifier(build(), optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1))
    module.draw_from(build)
    pruning = IterativePruning(levels=1, epochs_per_level=epochs + 1, exclude=["fc.weight"])
    device = torch.device("cuda" if accelerator == "gpu" else "cpu")
    train = data.split("train")
    bare = BareLoop(build().to(device), train.images.to(device), train.labels.to(device), data, lr=0.1, momentum=0)
    bare.prune()
    alternation = _Alternation(bare)
    trainer = pl.Trainer(
        max_epochs=pruning.max_epochs,
        accelerator=accelerator,
        devices=1,
        callbacks=[pruning, LearningDistance(), JobProgress("none"), alternation],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule=data)
    evaluations = []
    module.to(device)
    for _ in range(5):
        start = time.perf_counter()
        AccuracyMeasures().measure_level(trainer, module, pruning.describe(module))
        _synchronise()
        evaluations.append(time.perf_counter() - start)
    return alternation.pairs, evaluations


def load_random_mnist(root: Path) -> Dataset:
    """Make random images and labels of MNIST's shape and number; `root` is not looked at."""
    generator = torch.Generator().manual_seed(0)

    def part(count: int) -> tuple[Tensor, Any]:
        images = torch.randint(256, (count, 1, 28, 28), dtype=torch.uint8, generator=generator)
        return images, torch.randint(10, (count,), generator=generator).numpy()

    return Dataset(*part(60_000), *part(10_000), num_classes=10, mean=(0.1307,), std=(0.3081,))


def digits_pair() -> tuple[float, float]:
    """Time a bare run of `configs/digits_mlp.yaml` and one through the command line, in this process."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    bare_digits()
    middle = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        run_experiment(["fit", "--config", str(_DIGITS), "--run_dir", f"{folder}/run", "--progress.show", "none"])
    return middle - start, time.perf_counter() - middle


def bare_digits() -> list[float]:
    """Run all 35 levels of the digits experiment in the bare loop; returns the test accuracies."""
    data = NoisyLabelData("digits", noise_rate=0.4)
    train, test = data.split("train"), data.split("test")
    torch.manual_seed(0)
    loop = BareLoop(MLP(64, (300, 100)), train.images, train.labels, data, lr=0.1, momentum=0.9)
    accuracies = []
    for level in range(35):
        if level:
            loop.prune()
        for _ in range(50):
            loop.epoch()
        with torch.no_grad():
            for part in (train, test):
                logits = loop.net(loop.normalise(part.images))
                functional.cross_entropy(logits, part.labels).item()
                accuracy = (logits.argmax(1) == part.labels).float().mean().item()
        accuracies.append(accuracy)
    return accuracies


class BareLoop:
    """A bare training loop in PyTorch, with masks and pruning, to compare `fit` with.

    Args:
        net: The network.
        images: uint8 of shape [N, 1, height, width].
        labels: int64 of shape [N].
        data: Where batch size and normalisation come from.
        lr: Learning rate.
        momentum: Momentum of SGD.
    """

    def __init__(
        self, net: nn.Module, images: Tensor, labels: Tensor, data: NoisyLabelData, lr: float, momentum: float
    ) -> None:
        self.net, self.images, self.labels, self.batch_size = net, images, labels, data.batch_size
        self.normalise = Normalisation.of(data.content.mean, data.content.std, images.device)
        self.lr, self.momentum = lr, momentum
        self.initial = {name: value.clone() for name, value in net.state_dict().items()}
        self.prunable = prunable_parameters(net, ["fc.weight"])
        self.masks: Masks = {name: torch.ones_like(value, dtype=torch.bool) for name, value in self.prunable.items()}
        self.multipliers: list[tuple[Tensor, Tensor]] = []
        self.optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)

    def prune(self) -> None:
        """Remove 20 % of the remaining weights and rewind the others."""
        scores = {name: weight.detach().abs() for name, weight in self.prunable.items()}
        names = tuple(self.masks)
        count = Surviving(self.masks, OfRemaining(0.2)).to_remove(names)
        self.masks = prune(scores, self.masks, [Group(names, count)])
        self.net.load_state_dict(mask_state(self.initial, self.masks))
        self.multipliers = [
            (parameter, self.masks[name].to(parameter.dtype)) for name, parameter in self.prunable.items()
        ]
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=self.lr, momentum=self.momentum)

    def epoch(self) -> None:
        """Train for one epoch."""
        order = torch.randperm(len(self.labels)).to(self.images.device)
        for index in order.split(self.batch_size):
            loss = functional.cross_entropy(self.net(self.normalise(self.images[index])), self.labels[index])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            with torch.no_grad():
                for parameter, multiplier in self.multipliers:
                    parameter.mul_(multiplier)
