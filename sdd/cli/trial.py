"""A trial of everything that a run does, on two batches, before its first level; nothing of it is left."""

import gc
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from pydoc import locate
from typing import Any

import lightning.pytorch as pl
import torch
from jsonargparse import Namespace
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers.logger import DummyLogger
from lightning.pytorch.utilities.rank_zero import WarningCache  # type: ignore[attr-defined]
from lightning.pytorch.utilities.seed import isolate_rng

from sdd.callbacks import CurveRecorder, JobProgress
from sdd.callbacks.level import LevelCallback, level_callbacks
from sdd.callbacks.steps import kept_batches
from sdd.cli.experiment import Experiment, make
from sdd.cli.parse import Request
from sdd.cli.teacher import teach
from sdd.cli.training import train
from sdd.console import is_first_process
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from sdd.files import temporary_folder
from sdd.runs.checkpoint_file import damage_of
from sdd.runs.folder import RunFolder

_SHORT = {
    "check_val_every_n_epoch": 1,
    "fast_dev_run": False,
    "limit_train_batches": None,
    "limit_val_batches": None,
    "logger": False,
    "max_time": None,
    "num_nodes": 1,
    "overfit_batches": 0.0,
    "profiler": None,
    "strategy": "auto",
    "val_check_interval": None,
}
"""Settings of the Trainer in the trial: one process, whole epochs of two batches, nobody watches."""

_LARGEST_ON_CPU = 8
"""Examples of a batch there, so that large networks take seconds; the memory of a GPU is tried with whole batches.

Parts may need more, such as the 16 hardest examples of a batch: what fails is tried again with whole batches.
"""


def try_out(request: Request, config: Namespace, data: NoisyLabelData) -> None:
    """Train the dense level and the first pruned one on two batches, measure, prune and store, then forget it all.

    Nothing is done where `preflight` is false, and on all processes but the first.

    Everything is made anew for it and thrown away: network, optimizer, callbacks. Random states are as before; its
    files are in a folder of its own, which is removed. Of the user's callbacks those are tried that measure levels or
    write checkpoints.

    Args:
        request: Of `fit`.
        config: The run's configuration.
        data: The run's data, loaded.

    Raises:
        UserError: Something fails; the message names the part.
        KeyboardInterrupt: It was interrupted.
    """
    if not (config.preflight and is_first_process()):
        return
    trainer = request.wiring.trainer
    batches = kept_batches(trainer, len(data.train_dataloader()))
    whole, on_cpu = data.batch_size, trainer.strategy.root_device.type == "cpu"
    sizes = sorted({min(whole, _LARGEST_ON_CPU), whole}) if on_cpu else [whole]
    for size in sizes:
        try:
            _train(request, config, data.excerpt(batches, size), len(trainer.loggers))
            break
        except UserError as error:
            if size == whole:
                raise UserError(
                    f"{error} (found in a trial on two batches, which --preflight false leaves out)"
                ) from error
    if torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()


def _train(request: Request, config: Namespace, excerpt: NoisyLabelData, loggers: int) -> None:
    """Make everything anew and train it on an excerpt of the data, with as many loggers as the run has."""
    with _unseen(), temporary_folder() as place:
        experiment = _short(make(request, _trial_config(config, str(place))), place)
        teach(experiment.model, excerpt, config.model, request.plan.seed)
        experiment.trainer.loggers = [_NoLogger(str(place)) for _ in range(loggers)]
        if any(not _is_tried(callback) for callback in _chosen(config)):
            _monitor_nothing(experiment.trainer)
        train(experiment.trainer, experiment.model, excerpt, {}, trial=True)
        if any(damage_of(path) for path in RunFolder(place).checkpoints()):
            raise UserError(
                "a checkpoint cannot be read again: the state_dict of a callback holds other things than numbers, "
                "texts, lists, dicts and tensors"
            )


class _NoLogger(DummyLogger):
    """Stands for a logger, so that callbacks which tell it things can be tried; takes everything and keeps nothing.

    Args:
        place: Folder that it names as its own.
    """

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place

    @property
    def save_dir(self) -> str:
        """Its folder."""
        return self._place

    log_dir = root_dir = save_dir


def _trial_config(config: Namespace, place: str) -> Namespace:
    trial = config.clone()
    trainer = trial.trainer
    trainer.default_root_dir = place
    for name, value in _SHORT.items():
        trainer[name] = value
    trainer.devices = [trainer.devices[0]] if isinstance(trainer.devices, list) else 1
    trainer.callbacks = [callback for callback in _chosen(config) if _is_tried(callback)]
    return trial


def _chosen(config: Namespace) -> list[Any]:
    """Return what a configuration says of each of the user's callbacks."""
    chosen = config.trainer.callbacks or []
    return chosen if isinstance(chosen, list) else [chosen]


def _is_tried(callback: Any) -> bool:
    named = locate(str(getattr(callback, "class_path", "")))
    return isinstance(named, type) and issubclass(named, LevelCallback | ModelCheckpoint)


def _short(experiment: Experiment, place: Path) -> Experiment:
    """Leave out what only shows, and make all that is left as short as will do."""
    trainer, pruning = experiment.trainer, experiment.pruning
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    callbacks[:] = [one for one in callbacks if not isinstance(one, CurveRecorder | JobProgress)]
    for callback in callbacks:
        if isinstance(callback, ModelCheckpoint):
            callback.dirpath = str(place / "further")
    for callback in level_callbacks(trainer):
        callback.shorten()
    pruning.shorten()
    trainer.fit_loop.max_epochs = pruning.max_epochs
    return experiment


def _monitor_nothing(trainer: pl.Trainer) -> None:
    """Let checkpoints be written whatever is logged: by a callback that is not tried, it may be."""
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    for callback in callbacks:
        if isinstance(callback, ModelCheckpoint):
            callback.monitor = None


@contextmanager
def _unseen() -> Iterator[None]:
    """Leave random states as they are, and show nothing of what is said and warned of meanwhile."""
    raised: BaseException | None = None
    with (
        isolate_rng(),  # puts nothing back where something is raised, so what is raised waits
        warnings.catch_warnings(),
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        # The training warns again, so Lightning is not to note what it has warned of.
        WarningCache.add = lambda self, message: None  # type: ignore[method-assign]
        try:
            yield
        except BaseException as error:  # noqa: BLE001
            raised = error
        finally:
            del WarningCache.add
    if raised is not None:
        raise raised
