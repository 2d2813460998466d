"""Second step of `fit`: find out whether the run's folder is free, and from where the run goes on."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from jsonargparse import Namespace

from sdd.cli.parse import Request
from sdd.console import is_first_process as is_first_process
from sdd.console import say
from sdd.errors import UserError
from sdd.places import check_run_place
from sdd.runs.folder import BusyRunError, RunFolder
from sdd.runs.settings import differing


class Found(Enum):
    """What a run's folder is, as this process finds it."""

    FREE = "this process may train in it"
    FINISHED = "there is nothing left to train"
    BUSY = "another process works in it, and this one is to wait"


@dataclass(frozen=True)
class Claim:
    """What was found in a run's folder.

    Attributes:
        found: What it is.
        config: The run's configuration, for the steps that follow to fill in what the command line left open.
        checkpoint: To go on from; None: from the start.
        checkpoints: All that there were, the newest first.
        finished: Whether all levels are trained, and only some measures are lacking.
        dense: The run of another folder whose last checkpoint, its dense network, a new run begins with; None: none.
    """

    found: Found
    config: Namespace
    checkpoint: Path | None = None
    checkpoints: tuple[Path, ...] = ()
    finished: bool = False
    dense: RunFolder | None = None


def claim(request: Request) -> Claim:
    """Look into the run's folder, before anything costly happens; it is held only from the start of the training.

    Args:
        request: Of `fit`.

    Raises:
        UserError: The folder holds something else, no checkpoint can be read, or another process works in it and this
            one is not to wait.
    """
    config, folder = request.config.clone(), request.folder
    if config.ckpt_path is not None:
        raise UserError("fit finds its own checkpoint in the run's folder; ckpt_path is for test and validate")
    state = folder.state()
    finished = state.name == "finished"
    tables = folder.damaged_tables() if finished else []
    if tables and not folder.checkpoints():
        say(f"{folder.path}: {'; '.join(tables)}; there is no checkpoint to write it anew from", error=True)
        tables = []
    if finished and not tables and not _measures_more(request):
        if is_first_process():
            folder.tidy()
        return Claim(Found.FINISHED, config)
    if state.name == "damaged" and not folder.checkpoints():
        raise UserError(
            f"{folder.path} is damaged: {state.reason}; there is no checkpoint to write it anew from: remove the "
            "folder to train the run again"
        )
    check_run_place(folder.path, "run_dir")
    if folder.path.is_dir():
        with held(request) as mine:
            if not mine:
                return Claim(Found.BUSY, config)
    checkpoints = tuple(folder.checkpoints())
    checkpoint, damaged = folder.newest_checkpoint()
    for damage in damaged:
        say(f"{damage}; the checkpoint before it is used", error=True)
    for damage in tables if checkpoint else ():
        say(f"{folder.path}: {damage}; the run is taken up from {checkpoint} to write it anew", error=True)
    if finished and checkpoint is None:
        raise UserError(f"{folder.path} is finished and has no checkpoint left to measure more of its levels from")
    return Claim(Found.FREE, config, checkpoint, checkpoints, finished)


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
            if not request.waits:
                raise
            mine = False
        yield mine


def _measures_more(request: Request) -> bool:
    """Tell whether a run is to be measured in a way in which it was not."""
    started = request.folder.settings()
    return started is not None and bool(differing(started.measures, request.plan.settings.measures))
