"""One call of Lightning's `fit`, and what is said where something in it fails."""

from traceback import walk_tb
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback

from sdd.callbacks import IterativePruning
from sdd.callbacks.callback_order import LevelEnd
from sdd.data import NoisyLabelData
from sdd.data.view import View
from sdd.failures import failure, own_place


def train(
    trainer: pl.Trainer, model: pl.LightningModule, data: NoisyLabelData, options: dict[str, Any], *, trial: bool
) -> None:
    """Fit.

    Args:
        trainer: With all callbacks.
        model: What is trained.
        data: What it is trained on.
        options: Further arguments of `fit`.
        trial: Whether everything that is raised is told in one line; else what the user's own code raises, and what
            Lightning says of settings.

    Raises:
        UserError: Something fails; the message names the part.
        KeyboardInterrupt: The training was interrupted or asked to end; everything is put away.
    """
    try:
        trainer.fit(model, datamodule=data, **options)
    except SystemExit as stop:
        # Lightning ends the process like this on Ctrl-C and SIGTERM, once everything is put away.
        if not trainer.interrupted:
            raise
        raise KeyboardInterrupt from stop
    except Exception as error:
        if not (trial or own_place(error) or isinstance(error, MisconfigurationException)):
            raise
        told = failure(_failed_part(error), error)
        if told is error:
            raise
        raise told from error


_PARTS: tuple[tuple[type, str], ...] = (
    (torch.optim.Optimizer, "model.optimizer"),
    (torch.optim.lr_scheduler.LRScheduler, "model.lr_scheduler"),
    (View, "data.augment"),
    (torch.nn.Module, "the network"),
)


def _failed_part(error: Exception) -> str:
    """Name what was running when an error arose: a callback and its hook, optimizer, schedule, or network."""
    running = [(frame.f_locals.get("self"), frame.f_code.co_name) for frame, _ in walk_tb(error.__traceback__)]
    for part, hook in running:
        if isinstance(part, Callback) and not isinstance(part, IterativePruning | LevelEnd):
            return f"{type(part).__name__}.{hook}"
    for part, _ in running:
        for kind, name in _PARTS:
            if isinstance(part, kind) and not isinstance(part, pl.LightningModule):
                return name
    return "the training"
