"""Second step of `fit`: find out whether the run's folder is free, and train what the run builds on."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Namespace

from sdd.cli.parse import Request, plan
from sdd.console import say
from sdd.errors import UserError
from sdd.files import write_atomically
from sdd.runs.folder import BusyRunError, RunFolder
from sdd.runs.prerequisites import AUTO, Prerequisite, dense_config, tickets_config
from sdd.tracking.loggers import RunLoggers
from sdd.tracking.sweep_agent import in_wandb_sweep


class Taken(Enum):
    """Why there is nothing to train in a run's folder now."""

    FINISHED = "the run is finished"
    BUSY = "another process works in it, and this one is to wait"


@dataclass(frozen=True)
class Claim:
    """A run that is this process's to train.

    Attributes:
        config: Its configuration, with what the command line left open: folders of the runs that it builds on,
            names of loggers, threads.
        loggers: Of this configuration.
        started_with: The environment that the run was first started with; empty where it was not.
        checkpoint: To go on from; None: from the start.
        checkpoints: All that there were, the newest first.
    """

    config: Namespace
    loggers: RunLoggers
    started_with: Mapping[str, Any]
    checkpoint: Path | None
    checkpoints: list[Path]


def claim(request: Request) -> Claim | Taken:
    """Look into the run's folder, before anything costly happens; it is held only from the start of the training.

    Args:
        request: Of `fit`.

    Raises:
        UserError: The folder holds something else, no checkpoint can be read, what the run builds on cannot be
            trained, or another process works in the folder and this one is not to wait.
    """
    config, folder = request.config.clone(), request.folder
    if config.ckpt_path is not None:
        raise UserError("fit finds its own checkpoint in the run's folder; ckpt_path is for test and validate")
    folder.check_settings(request.plan.settings)
    started_with = folder.environment()
    loggers = RunLoggers(config, request.text, request.plan, folder, request.arguments, started_with)
    if folder.finished:
        if is_first_process():
            loggers.publish()
        return Taken.FINISHED
    if folder.path.is_dir():
        with held(request) as mine:
            if not mine:
                return Taken.BUSY
    if config.threads is None:
        config.threads = started_with.get("threads")
    checkpoints = folder.checkpoints()
    checkpoint, damaged = folder.newest_checkpoint()
    for path in damaged:
        say(f"{path} is damaged; the checkpoint before it is used", error=True)
    with loggers.given_back_before_start():
        if config.pruning.masks_from == AUTO:
            config.pruning.masks_from = str(_train_tickets(request).path)
        if config.pruning.dense_from is not None and checkpoint is None:
            checkpoint = _train_dense(request)
    return Claim(config, loggers, started_with, checkpoint, checkpoints)


@contextmanager
def held(request: Request) -> Iterator[bool]:
    """Hold the run's folder; processes that were started for further devices leave that to the first.

    Yields:
        Whether it is held; False where another process holds it and this one is to wait.

    Raises:
        BusyRunError: Another process holds it, and this one is not to wait.
    """
    if not is_first_process():
        yield True
        return
    mine = True
    with ExitStack() as stack:
        try:
            stack.enter_context(request.folder.owned())
        except BusyRunError:
            if not _waits(request):
                raise
            mine = False
        yield mine


def is_first_process() -> bool:
    """Tell whether this is the process that the user started, not one that a strategy started for another device."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK"))


def _waits(request: Request) -> bool:
    wait: bool | None = request.config.wait
    return in_wandb_sweep() if wait is None else wait


def _train_tickets(request: Request) -> RunFolder:
    """Train the winning tickets whose masks the run takes, where they are not there yet."""
    config = tickets_config(yaml.safe_load(request.text))
    tickets = Prerequisite("pruning.masks_from", AUTO, config, request.plan.config_name, request.folder.path, plan)
    tickets.train()
    return tickets.folder


def _train_dense(request: Request) -> Path:
    """Train the dense network that the run prunes, where it is not there yet; returns the checkpoint to go on from."""
    config = dense_config(yaml.safe_load(request.text))
    name, named = f"{request.plan.config_name}-dense", request.config.pruning.dense_from
    dense = Prerequisite("pruning.dense_from", named, config, name, request.folder.path, plan)
    dense.train()
    checkpoint, _ = dense.folder.newest_checkpoint()
    if checkpoint is None:
        raise UserError(f"pruning.dense_from: {dense.folder.path} has no checkpoint to go on from; remove it")
    level = dense.folder.level_checkpoint(0)
    if request.config.checkpoint.keep_levels and level.is_file():
        write_atomically(request.folder.level_checkpoint(0), level.read_bytes())
    return checkpoint
