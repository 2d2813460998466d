"""A run that an agent of a W&B sweep has started: its command line, and how it is given back when it is pre-empted."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal

from lightning.pytorch.loggers import Logger, WandbLogger

from sdd.console import say
from sdd.messages import one_line
from sdd.runs.settings import SEED

Requeue = Literal["notice", "interrupt"]
"""What gives a run of a sweep to an agent again: SIGUSR1 alone, with which clusters announce a pre-emption, or SIGTERM
and Ctrl-C as well."""


def in_wandb_sweep() -> bool:
    """Tell whether an agent of a W&B sweep started this process."""
    return "WANDB_SWEEP_ID" in os.environ


def own_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the command line without what a sweep agent has added to it that is no setting of the sweep.

    An agent that hands out a pre-empted run again gives the run's whole logged configuration, sections as
    --data={...} and unset values as --run_dir=None among the swept settings, and in no order.

    Args:
        arguments: The command line; outside a sweep it stays as it is.
    """
    pairs = {argument: argument[2:].split("=", 1) for argument in arguments if _is_pair(argument)}
    handed_out_again = any("." not in key and value.startswith("{") for key, value in pairs.values())
    if not (in_wandb_sweep() and handed_out_again):
        return list(arguments)
    return [
        argument
        for argument in arguments
        if argument not in pairs or "." in pairs[argument][0] or pairs[argument][0] == SEED
    ]


def swept_values(arguments: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sweep agent set, by arguments of the form --key=value, in one order however they are given.

    Args:
        arguments: The command line.
        settings: The run's, as flat dotted keys; they say a value as it was read, 0.0 where an agent writes 0.
    """
    pairs = sorted(argument[2:].split("=", 1) for argument in arguments if _is_pair(argument))
    return {key: settings.get(key, text) for key, text in pairs if key not in {"config", "run_dir"}}


@contextmanager
def given_back_when_preempted(loggers: Callable[[], Iterable[Logger]], requeue: Requeue) -> Iterator[None]:
    """In a sweep, let it give the run to an agent again where a cluster pre-empts what is done here.

    A pre-emption that is announced by SIGUSR1 ends the run as SIGTERM does. SIGTERM by itself ends it for good: so W&B
    stops a run from its page and by its early termination.

    Args:
        loggers: Returns the run's.
        requeue: What counts as a pre-emption.
    """
    if not in_wandb_sweep():
        yield
        return
    announced = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal announced
        announced = True
        os.kill(os.getpid(), signal.SIGTERM)

    listens = threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGUSR1")
    before = signal.signal(signal.SIGUSR1, end) if listens else None
    try:
        yield
    except KeyboardInterrupt:
        if announced or requeue == "interrupt":
            _give_back(loggers)
        raise
    finally:
        if listens:
            signal.signal(signal.SIGUSR1, before)


def _give_back(loggers: Callable[[], Iterable[Logger]]) -> None:
    """Tell W&B that the run is pre-empted; that this fails is no reason to end otherwise than interrupted."""
    try:
        for logger in loggers():
            if isinstance(logger, WandbLogger):
                logger.experiment.mark_preempting()
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "wandb":
            raise
        say(f"sdd: W&B could not be told that the run is pre-empted: {one_line(str(error))}", error=True)


def _is_pair(argument: str) -> bool:
    return argument.startswith("--") and "=" in argument
