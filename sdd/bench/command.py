"""`python -m sdd bench`: what our runs cost, beside the loops that a careful researcher writes by hand.

What is compared runs in turns, so that a noisy machine slows both; a row gives the medians in seconds, and the ratio of
ours to the baseline pair by pair: its median, smallest and largest.
"""

import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from sdd.bench.bare import LoopByHand
from sdd.bench.curves import curve_pairs
from sdd.bench.epochs import Pairs, epoch_pairs
from sdd.bench.levels import FLATNESS, level_rows
from sdd.bench.processes import memory_row, start_rows
from sdd.bench.resuming import resume_rows
from sdd.bench.sweeps import time_sweep
from sdd.bench.table import HEAD, Row
from sdd.bench.tasks import digits, mnist, resnet
from sdd.console import OneLineParser, quieten_lightning, say
from sdd.errors import UserError
from sdd.files import check_folder, write_atomically
from sdd.messages import counted
from sdd.models import MLP
from sdd.runs.environment import environment
from sdd.shipped import CONFIGS, shipped

_DIGITS, _MNIST, _CIFAR = (shipped(CONFIGS)[name] for name in ("digits_mlp", "mnist_lenet", "cifar10_resnet18"))

_CELLS = 60


@dataclass(frozen=True)
class Choice:
    """What the command line asks for.

    Attributes:
        rounds: Pairs of whole runs.
        epochs: Epochs of each pair of loops, and of each level of MNIST.
        levels: Of whole runs, beside the dense one.
        root: Folder of MNIST.
        accelerator: `cpu` or `gpu`.
    """

    rounds: int
    epochs: int
    levels: int | None
    root: Path
    accelerator: str


def bench(arguments: Sequence[str]) -> int:
    """Print the table; see `--help`."""
    parser = OneLineParser(prog="python -m sdd bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"what to time, of {', '.join(PARTS)} (default: what the device has)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="pairs of whole runs and processes (default: 3)")
    parser.add_argument("--epochs", type=int, default=8, help="epochs of each kind, and of MNIST's levels (default: 8)")
    parser.add_argument("--levels", type=int, help="levels of whole runs (default: all, 34 of digits and 30 of MNIST)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of an operation (default: 1)")
    parser.add_argument("--root", default="data", help="folder of MNIST; without it, random images of its shape")
    parser.add_argument("--accelerator", default="cpu", choices=["cpu", "gpu"], help="where (default: cpu)")
    parser.add_argument("--json", metavar="FILE", help="write all that was timed into this file too")
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.parts) - PARTS.keys())
    if unknown:
        raise UserError(f"bench has no part {unknown[0]}; there are {', '.join(PARTS)}")
    if min(chosen.rounds, chosen.epochs, chosen.threads) < 1:
        raise UserError("--rounds, --epochs and --threads must be at least 1")
    if chosen.accelerator == "gpu" and not torch.cuda.is_available():
        raise UserError("--accelerator is gpu, but torch finds none here")
    if chosen.json:
        check_folder("the folder of --json", Path(chosen.json).parent)
    quieten_lightning()
    choice = Choice(chosen.rounds, chosen.epochs, chosen.levels, Path(chosen.root), chosen.accelerator)
    default = ("gpu",) if chosen.accelerator == "gpu" else tuple(name for name in PARTS if name != "gpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(chosen.threads)
    try:
        machine = environment() | {"cores": os.cpu_count() or 1, "system": platform.system()}
        say(f"sdd bench: {', '.join(f'{name} {value}' for name, value in machine.items())}")
        say(HEAD)
        rows = []
        for part in chosen.parts or default:
            say(f"timing {part}, a row at a time", error=True)
            for row in PARTS[part](choice):
                rows.append(row)
                say(row.line())
                if chosen.json:
                    found = {"machine": machine, "rows": [one.as_json() for one in rows]}
                    write_atomically(Path(chosen.json), json.dumps(found, indent=2) + "\n")
    finally:
        torch.set_num_threads(threads)
    return 0


def _digits(choice: Choice) -> Iterator[Row]:
    """Digits: a dense epoch, and whole runs."""
    yield Row("digits, a dense epoch", "bare loop", epoch_pairs(digits(), 5 * choice.epochs, choice.accelerator))
    task = digits()
    train, net = task.data.split("train"), task.build()
    assert isinstance(net, MLP)
    by_hand = LoopByHand(net, train.images, train.labels, task.data, task.lr, task.momentum)
    pairs = epoch_pairs(task, 5 * choice.epochs, choice.accelerator, by_hand.epoch)
    yield Row("digits, a dense epoch", "gradients by hand", pairs)
    levels, epochs = 34 if choice.levels is None else choice.levels, min(50, 10 * choice.epochs)
    name = f"digits, a run of {levels + 1} levels of {epochs} epochs"
    for kind in ("dense", "auto"):
        settings = ("--config", str(_DIGITS), "--pruning.arithmetic", kind)
        yield Row(f"{name}, {kind}", "bare", curve_pairs(digits, levels, epochs, settings, choice.rounds))


def _mnist(choice: Choice) -> Iterator[Row]:
    """LeNet-300-100: a dense epoch of all images and of 6,000, and whole runs."""
    for size in (None, 6000):
        pairs = epoch_pairs(mnist(choice.root, size), choice.epochs, choice.accelerator)
        yield Row(f"mnist_lenet, {size or 60_000:,} images, a dense epoch", "bare loop", pairs)
    levels = 30 if choice.levels is None else choice.levels
    data = mnist(choice.root, 6000).data
    settings = ("--config", str(_MNIST), "--data.dataset", data.dataset, "--data.root", str(data.root))
    name = f"mnist_lenet, 6,000 images, {levels + 1} levels of {choice.epochs} epochs"
    for kind in ("dense", "auto"):
        asked = (*settings, "--data.train_size", "6000", "--pruning.arithmetic", kind, "--trainer.accelerator", "cpu")
        pairs = curve_pairs(lambda: mnist(choice.root, 6000), levels, choice.epochs, asked, choice.rounds)
        yield Row(f"{name}, {kind}", "bare", pairs)


def _resnet(choice: Choice) -> Iterator[Row]:
    """A narrow ResNet-18: an epoch in both memory formats, and one format against the other."""
    for memory_format in ("contiguous_format", "channels_last"):
        task = resnet(16, 640, memory_format)
        pairs = epoch_pairs(task, choice.epochs, choice.accelerator)
        yield Row(f"ResNet-18 of width 16, 640 images, {memory_format}", "bare loop", pairs)


def _gpu(choice: Choice) -> Iterator[Row]:
    """ResNet-18 as in the paper, on a GPU: as it is, in bfloat16, compiled."""
    for precision, compiled in (("32-true", False), ("bf16-mixed", False), ("bf16-mixed", True)):
        task = resnet(64, 50_000, "channels_last", precision, compiled)
        name = f"ResNet-18, 50,000 images, {precision}{', compiled' if compiled else ''}, an epoch"
        yield Row(name, "bare loop", epoch_pairs(task, choice.epochs, choice.accelerator))
    settings = (
        *("--config", str(_CIFAR), "--data.dataset", "sdd.bench.tasks.random_images", "--data.augment", "none"),
        *(
            "--data.dataset_args",
            "{examples: 50000}",
            "--data.memory_format",
            "channels_last",
            "--model.compile",
            "true",
        ),
        *("--trainer.precision", "bf16-mixed", "--trainer.accelerator", choice.accelerator),
    )
    yield from level_rows("ResNet-18", settings, 1, 2, 160)


def _levels(choice: Choice) -> Iterator[Row]:
    """What a level costs beside its steps."""
    yield from level_rows("digits", ("--config", str(_DIGITS), *FLATNESS), 3, 5, 50)
    data = mnist(choice.root, 6000).data
    settings = ("--config", str(_MNIST), "--data.dataset", data.dataset, "--data.root", str(data.root))
    yield from level_rows("mnist_lenet", (*settings, *FLATNESS, "--trainer.accelerator", choice.accelerator), 1, 1, 200)
    # as many epochs of 256 images as a level of the paper's recipe has of 50,000
    yield from level_rows("ResNet-18, 256 images", _resnet_settings(64, 256), 0, 1, 160 * 50_000 // 256)


def _start(choice: Choice) -> Iterator[Row]:
    """Processes: imports, a new run, a finished one, one that goes on."""
    yield from start_rows(_DIGITS, choice.rounds)
    yield from resume_rows("digits", ("--config", str(_DIGITS)), choice.rounds)
    yield from resume_rows("ResNet-18 of width 16", _resnet_settings(16, 256), choice.rounds)


def _resnet_settings(width: int, examples: int) -> tuple[str, ...]:
    """Arguments of a run of ResNet-18 on random images, on the CPU."""
    return (
        *("--config", str(_CIFAR), "--data.dataset", "sdd.bench.tasks.random_images", "--data.augment", "none"),
        *("--data.dataset_args", f"{{examples: {examples}}}", "--model.net.width", str(width)),
        *("--pruning.rewind_steps", "1", "--trainer.accelerator", "cpu", "--progress.show", "none"),
    )


def _sweep(choice: Choice) -> Iterator[Row]:
    """A sweep of short runs, its imports and its closing included, with one worker and with one for each core."""
    for workers in sorted({1, os.cpu_count() or 1}):
        pairs = Pairs()
        for _ in range(choice.rounds):
            with tempfile.TemporaryDirectory() as folder:
                times = time_sweep(Path(folder), _CELLS, workers=workers, levels=12, epochs=20)
                pairs.append((times.levels, times.wall))
        name = f"a sweep of {_CELLS} runs, 12 levels of 20 epochs, {counted(workers, 'worker')}"
        yield Row(name, "its levels", pairs)


def _memory(choice: Choice) -> Iterator[Row]:
    """Memory of a data set of Tiny ImageNet's size."""
    yield memory_row(100_000, 64)


PARTS: dict[str, Callable[[Choice], Iterator[Row]]] = {
    "digits": _digits,
    "mnist": _mnist,
    "resnet": _resnet,
    "levels": _levels,
    "start": _start,
    "sweep": _sweep,
    "memory": _memory,
    "gpu": _gpu,
}
"""What can be timed, by name; `gpu` alone is timed by default where --accelerator is gpu."""
