"""Second step of `fit`: find out whether the run's folder is free, and train what the run builds on."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
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
from sdd.runs.identity import restored
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
        request: What the command line asks for, with the values that the run was started with where defaults have
            moved since.
        config: Its configuration, with what the command line left open: folders of the runs that it builds on,
            names of loggers, threads.
        loggers: Of this configuration.
        started_with: The environment that the run was first started with; empty where it was not.
        checkpoint: To go on from; None: from the start.
        checkpoints: All that there were, the newest first.
    """

    request: Request
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
    if request.config.ckpt_path is not None:
        raise UserError("fit finds its own checkpoint in the run's folder; ckpt_path is for test and validate")
    started, folder = _as_started(request), request.folder
    config, started_with = started.config.clone(), folder.environment()
    loggers = RunLoggers(config, started.text, started.plan, folder, request.arguments, started_with)
    state = folder.state()
    if state.name == "finished":
        if is_first_process():
            loggers.publish()
        return Taken.FINISHED
    if state.name == "damaged" and not folder.checkpoints():
        raise UserError(
            f"{folder.path} is damaged: {state.reason}; there is no checkpoint to write it anew from: remove the "
            "folder to train the run again"
        )
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
            config.pruning.masks_from = str(_train_tickets(request, started).path)
        if config.pruning.dense_from is not None and checkpoint is None:
            checkpoint = _train_dense(request, started)
    return Claim(started, config, loggers, started_with, checkpoint, checkpoints)


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


def _as_started(request: Request) -> Request:
    """Return what is asked for with the values that the folder's run was started with, if it holds one.

    Nobody chose those that differ: they are defaults that have moved since.
    """
    moved = request.folder.check_settings(request.plan.settings)
    started = request.folder.settings()
    if started is None:
        return request
    own = replace(request, plan=replace(request.plan, settings=started.going_on(request.plan.settings)))
    if not moved or request.folder.finished:
        return own
    if is_first_process():
        for name, (then, now) in moved.items():
            goes_on = f"{request.folder.path} goes on with {name} {json.dumps(then)}"
            say(f"{goes_on}; the default is {json.dumps(now)} now", error=True)
    parser = request.wiring.command_parser
    config = parser.parse_object(restored(yaml.safe_load(request.text), started.values, moved))
    return replace(own, config=config, text=parser.dump(config, skip_unset=False, skip_link_targets=True))


def _train_tickets(request: Request, started: Request) -> RunFolder:
    """Train the winning tickets whose masks the run takes, where they are not there yet."""
    tickets = _prerequisite("pruning.masks_from", AUTO, request, started, tickets_config)
    tickets.train()
    return tickets.folder


def _train_dense(request: Request, started: Request) -> Path:
    """Train the dense network that the run prunes, where it is not there yet; returns the checkpoint to go on from."""
    named = request.config.pruning.dense_from
    dense = _prerequisite("pruning.dense_from", named, request, started, dense_config, suffix="-dense", measured=True)
    dense.train()
    checkpoint, _ = dense.folder.newest_checkpoint()
    if checkpoint is None:
        raise UserError(f"pruning.dense_from: {dense.folder.path} has no checkpoint to go on from; remove it")
    level = dense.folder.level_checkpoint(0)
    if request.config.checkpoint.keep_levels and level.is_file():
        write_atomically(request.folder.level_checkpoint(0), level.read_bytes())
    return checkpoint


def _prerequisite(
    setting: str,
    named: str,
    request: Request,
    started: Request,
    config_of: Callable[[Mapping[str, Any]], dict[str, Any]],
    *,
    suffix: str = "",
    measured: bool = False,
) -> Prerequisite:
    """Return a run that this one builds on, in the folder that today's defaults name."""
    given = config_of(yaml.safe_load(request.text)) if request.text != started.text else None
    return Prerequisite(
        setting,
        named,
        config_of(yaml.safe_load(started.text)),
        f"{request.plan.config_name}{suffix}",
        request.folder.path,
        plan,
        named_by=given,
        measured=measured,
    )
