"""Epochs of our loop and of a bare one, in turns in one process, so that a noisy machine slows both."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import lightning.pytorch as pl
import torch

from sdd.bench.bare import BareLoop
from sdd.bench.tasks import Task
from sdd.callbacks import AccuracyMeasures, IterativePruning, JobProgress, LearningDistance
from sdd.module import Classifier

Pairs = list[tuple[float | None, float]]
"""Seconds of the baseline and ours, of each round."""


class _Alternation(pl.Callback):
    """After each of our epochs runs one of the baseline; times all that lies between two of these as ours."""

    def __init__(self, baseline: Callable[[], None]) -> None:
        self.baseline, self.pairs, self._resumed = baseline, Pairs(), 0.0

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Time ours, then run and time the baseline."""
        synchronise()
        ours, start = time.perf_counter() - self._resumed, time.perf_counter()
        self.baseline()
        synchronise()
        if trainer.current_epoch:  # in the first one all is set up
            self.pairs.append((time.perf_counter() - start, ours))
        self._resumed = time.perf_counter()


def synchronise() -> None:
    """Wait for the GPU, where there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def epoch_pairs(task: Task, epochs: int, accelerator: str, other: Callable[[], None] | None = None) -> Pairs:
    """Time epochs of the dense level.

    Args:
        task: What is trained.
        epochs: How many of each.
        accelerator: Lightning's name of the device.
        other: An epoch of the baseline; None: of the bare loop with the same data and precision.
    """
    torch.manual_seed(0)
    module, trainer, _ = experiment(task, 0, epochs + 1, accelerator)
    alternation = _Alternation(other or bare_loop(task, accelerator).epoch)
    trainer.callbacks.append(alternation)  # type: ignore[attr-defined]
    trainer.fit(module, datamodule=task.data)
    return alternation.pairs


def experiment(
    task: Task, levels: int, epochs: int, accelerator: str
) -> tuple[Classifier, pl.Trainer, IterativePruning]:
    """Make what trains a task without a run's folder: its module, Trainer and driver."""
    module = Classifier(
        task.build(),
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=task.lr, momentum=task.momentum),
        compile=task.compiled,
    )
    module.draw_from(task.build)
    driver = IterativePruning(
        sparsities=[1 - 0.8 ** (level + 1) for level in range(levels)] or None,
        levels=0,
        epochs_per_level=epochs,
        exclude=["fc.weight"],
    )
    trainer = pl.Trainer(
        max_epochs=driver.max_epochs,
        accelerator=accelerator,
        devices=1,
        precision=task.precision,
        callbacks=[driver, AccuracyMeasures(), LearningDistance(), JobProgress("none")],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    return module, trainer, driver


def bare_loop(task: Task, accelerator: str) -> BareLoop:
    """Make the bare loop of a task."""
    device = torch.device("cuda" if accelerator == "gpu" else "cpu")
    train = task.data.split("train")

    def context() -> AbstractContextManager[Any]:
        if task.precision == "bf16-mixed":
            return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
        return nullcontext()

    return BareLoop(
        task.build().to(device),
        train.images.to(device),
        train.labels.to(device),
        task.data,
        task.lr,
        task.momentum,
        context,
        task.compiled,
    )
