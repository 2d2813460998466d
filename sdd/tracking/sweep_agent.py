"""A run that an agent of a W&B sweep has started: its command line, and how it is given back when it is interrupted."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from lightning.pytorch.loggers import Logger, WandbLogger

from sdd.runs.settings import SEED


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
def given_back_on_interrupt(loggers: Callable[[], Iterable[Logger]]) -> Iterator[None]:
    """In a sweep, let it give the run to an agent again where what is done here is interrupted.

    Args:
        loggers: Returns the run's.
    """
    try:
        yield
    except KeyboardInterrupt:
        if in_wandb_sweep():
            for logger in loggers():
                if isinstance(logger, WandbLogger):
                    logger.experiment.mark_preempting()
        raise


def _is_pair(argument: str) -> bool:
    return argument.startswith("--") and "=" in argument
