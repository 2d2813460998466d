"""Whole curves: a run of the command line in this process, in turns with the bare loop that takes all its levels."""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import torch

from sdd.bench.epochs import Pairs, bare_loop
from sdd.bench.tasks import Task
from sdd.cli.command import run_experiment


def curve_pairs(task: Callable[[], Task], levels: int, epochs: int, settings: Sequence[str], rounds: int) -> Pairs:
    """Time whole runs of one thread, everything that a run does included, and bare loops of the same epochs.

    Args:
        task: Makes what the bare loop trains.
        levels: Beside the dense one.
        epochs: Of each level.
        settings: Arguments of `fit` for the same.
        rounds: How many pairs.
    """
    threads, pairs = torch.get_num_threads(), Pairs()
    torch.set_num_threads(1)
    try:
        for _ in range(rounds):
            start = time.perf_counter()
            bare_curve(task(), levels, epochs)
            middle = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()), redirect_stderr(StringIO()):
                run_experiment(
                    [
                        *("fit", *settings, "--threads", "1", "--progress.show", "none"),
                        *("--pruning.levels", str(levels), "--pruning.epochs_per_level", str(epochs)),
                        *("--run_dir", str(Path(folder) / "run")),
                    ]
                )
            pairs.append((middle - start, time.perf_counter() - middle))
    finally:
        torch.set_num_threads(threads)
    return pairs


def bare_curve(task: Task, levels: int, epochs: int) -> list[float]:
    """Train all levels in the bare loop and measure each on training and test data; returns the test accuracies."""
    torch.manual_seed(0)
    loop = bare_loop(task, "cpu")
    train, test = task.data.split("train"), task.data.split("test")
    accuracies = []
    for level in range(levels + 1):
        if level:
            loop.prune()
        for _ in range(epochs):
            loop.epoch()
        loop.evaluate(train.images, train.labels)
        accuracies.append(loop.evaluate(test.images, test.labels))
    return accuracies
