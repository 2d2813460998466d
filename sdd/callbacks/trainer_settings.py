"""What a Trainer may be set to for a run of levels, and how many steps an epoch then has."""

import os
from math import isfinite
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import callbacks as lightnings
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import AsyncCheckpointIO
from lightning.pytorch.strategies.launchers import _MultiProcessingLauncher

from sdd.errors import UserError
from sdd.places import resolved
from sdd.runs.folder import RunFolder

_PRECISIONS = ("32-true", "16-mixed", "bf16-mixed")

INSTEAD = {
    "BaseFinetuning": "freeze parameters where the network is made, with requires_grad_(False)",
    "BatchSizeFinder": "set --data.batch_size, so that every level and every start have the same",
    "EarlyStopping": "it would end the run, not a level: set --pruning.stop_loss, or choose an epoch from the curves",
    "GradientAccumulationScheduler": "set --trainer.accumulate_grad_batches, which is the same in every level",
    "LearningRateFinder": "set --model.optimizer.lr, so that every level and every start have the same",
    "ModelPruning": "set --pruning.criterion and --pruning.scope: weights are pruned by sdd itself",
    "OnExceptionCheckpoint": "a new run would start from the file that another one has left: set "
    "--checkpoint.every_n_epochs, for checkpoints that the run itself goes on from",
    "StochasticWeightAveraging": "it counts the epochs of all levels together: set --model.lr_scheduler",
    "Timer": "set --trainer.max_time on the command line, which ends the run at an epoch's end so that it can go on",
    "WeightAveraging": "it would average over levels, removed weights included: measure such averages in a "
    "LevelCallback of your own",
}
"""Lightning's callbacks that know nothing of levels, subclasses included, and what to do instead."""

_NEED_LOGGER = ("DeviceStatsMonitor", "LearningRateMonitor", "ThroughputMonitor")


def check_trainer(trainer: pl.Trainer) -> None:
    """Find out whether a Trainer is set to what a run of levels can honour.

    Raises:
        UserError: It would end levels early, leave them out, or not store and measure them as it should.
    """
    loop, fast = trainer.fit_loop, getattr(trainer, "fast_dev_run", False)
    for name, value, unset, instead in (
        ("fast_dev_run", fast, False, "only the command line knows how to try a level"),
        ("max_steps", trainer.max_steps, -1, "a run trains whole levels: set --pruning.epochs_per_level"),
        ("min_steps", loop.min_steps, None, "the levels say how long it trains: set --pruning.epochs_per_level"),
        ("min_epochs", loop.min_epochs, 0, "the levels say how long it trains: set --pruning.epochs_per_level"),
        ("limit_test_batches", trainer.limit_test_batches, 1.0, "levels are measured on all test images"),
        ("limit_predict_batches", trainer.limit_predict_batches, 1.0, "a run of levels predicts nothing"),
        ("model_registry", getattr(trainer, "_model_registry", None), None, "a run's checkpoints stay in its folder"),
    ):
        if value is not None and (value != unset or (isinstance(unset, float) and isinstance(value, int))):
            raise UserError(f"trainer.{name} is {value}, but {instead}; leave it unset")
    every, checked = trainer.check_val_every_n_epoch, trainer.num_sanity_val_steps
    if every is not None and every < 1:
        raise UserError(f"trainer.check_val_every_n_epoch is {every}; it must be at least 1 epoch, or null")
    if checked < 0 and checked != -1:
        raise UserError(f"trainer.num_sanity_val_steps is {checked}; it must be at least 0, or -1 for all")
    if trainer.limit_train_batches == 0:
        raise UserError("trainer.limit_train_batches is 0, so that nothing would be trained; set at least 1 batch")
    if trainer.num_nodes > 1 and _stands_alone(trainer):
        raise UserError(
            f"trainer.num_nodes is {trainer.num_nodes}, but nothing says where the others are, and this one would "
            "wait for them: start with torchrun or srun, or set MASTER_ADDR and NODE_RANK on each"
        )
    if trainer.accumulate_grad_batches < 1:
        raise UserError(
            f"trainer.accumulate_grad_batches is {trainer.accumulate_grad_batches}; it must be at least 1 batch"
        )
    clip = trainer.gradient_clip_val
    if clip is not None and not (clip >= 0 and isfinite(clip)):
        raise UserError(f"trainer.gradient_clip_val is {clip}; it must be above 0, or null or 0 for no clipping")
    precision = str(getattr(trainer, "precision", "32-true"))
    if precision.endswith(("-true", "transformer-engine", "transformer-engine-float16")) and (
        precision not in _PRECISIONS
    ):
        raise UserError(
            f"trainer.precision is {precision}, but weights and measures are kept in 32 bits; allowed: "
            f"{', '.join(_PRECISIONS)}"
        )
    if isinstance(trainer.strategy.launcher, _MultiProcessingLauncher):
        raise UserError(
            "trainer.strategy starts its processes as copies of this one, which would not learn what they trained: "
            "set it to ddp, or leave it unset"
        )
    if isinstance(trainer.strategy.checkpoint_io, AsyncCheckpointIO):
        raise UserError(
            "trainer.plugins has AsyncCheckpointIO, but a level counts as done only when its checkpoint is written: "
            "leave it out"
        )
    for callback in _callbacks(trainer):
        _check_callback(trainer, callback)


def check_trainer_arithmetic(trainer: pl.Trainer, arithmetic: str) -> None:
    """Find out whether a Trainer computes where, and as exactly as, sparse arithmetic can.

    Raises:
        UserError: It does not, and `pruning.arithmetic` is `sparse`.
    """
    precision, device = str(getattr(trainer, "precision", "32-true")), trainer.strategy.root_device.type
    if arithmetic != "sparse" or (device == "cpu" and precision == "32-true"):
        return
    where = f"trainer.accelerator computes on {device}" if device != "cpu" else f"trainer.precision is {precision}"
    raise UserError(
        f"pruning.arithmetic sparse is for 32 bits on the CPU, but {where}: set it to dense, or to auto, which "
        "is dense there"
    )


def check_callback_class(kind: type) -> None:
    """Find out whether callbacks of a class can be part of a run of levels.

    Raises:
        UserError: They know nothing of levels; the message says what to use instead.
    """
    for name, instead in INSTEAD.items():
        if _is_a(kind, name):
            shown = kind.__name__ if kind.__name__ == name else f"{kind.__name__}, a {name}"
            raise UserError(f"trainer.callbacks has {shown}, which knows nothing of levels: {instead}; leave it out")


def _check_callback(trainer: pl.Trainer, callback: pl.Callback) -> None:
    kind = type(callback)
    check_callback_class(kind)
    if not trainer.loggers and any(_is_a(kind, name) for name in _NEED_LOGGER):
        raise UserError(f"trainer.callbacks has {kind.__name__}, which needs a logger: set --trainer.logger")
    if isinstance(callback, ModelCheckpoint):
        _check_names(trainer, callback)


def _check_names(trainer: pl.Trainer, callback: ModelCheckpoint) -> None:
    """Find out whether a user's checkpoints could be taken for those that a run goes on from."""
    ours = RunFolder(trainer.default_root_dir).checkpoint(1)
    if callback.dirpath is None and trainer.loggers:
        return  # they go into the logger's folder
    folder = Path(callback.dirpath or ours.parent)
    named = callback.format_checkpoint_name({"epoch": torch.tensor(1), "step": torch.tensor(1)})
    if resolved(folder) == resolved(ours.parent) and RunFolder.is_checkpoint(Path(named)):
        raise UserError(
            f"trainer.callbacks has {type(callback).__name__}, whose files would be named as the run's own, "
            f"{ours.parent.name}/{ours.name}: set another filename, or a dirpath"
        )


def _stands_alone(trainer: pl.Trainer) -> bool:
    """Tell whether a process was started by hand, and not told the address of a first node."""
    environment = getattr(trainer.strategy, "cluster_environment", None)
    return isinstance(environment, LightningEnvironment) and "MASTER_ADDR" not in os.environ


def _is_a(kind: type, name: str) -> bool:
    named: Any = getattr(lightnings, name, None)  # not every version has all of them
    return named is not None and issubclass(kind, named)


def _callbacks(trainer: pl.Trainer) -> list[pl.Callback]:
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return callbacks
