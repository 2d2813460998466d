"""The parts of an experiment, made from its configuration."""

import re
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
from jsonargparse import Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException

from sdd.callbacks import IterativePruning
from sdd.cli.parse import Request
from sdd.configured import builder
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from sdd.failures import naming
from sdd.messages import one_line
from sdd.module import Classifier


@dataclass(frozen=True)
class Experiment:
    """All parts of an experiment.

    Attributes:
        model: Network, optimizer and schedule.
        data: Training, validation and test images.
        pruning: One of the Trainer's callbacks: the driver of the levels.
        trainer: With all callbacks and loggers.
        options: Further arguments of the Trainer's method, such as `ckpt_path` and `verbose`.
    """

    model: Classifier
    data: NoisyLabelData
    pruning: IterativePruning
    trainer: pl.Trainer
    options: dict[str, Any]


def make(request: Request, config: Namespace) -> Experiment:
    """Make everything that a configuration names, the network with the weights that the training seed gives.

    Args:
        request: What the command line asks for.
        config: Its configuration; `trainer.default_root_dir` is the run's folder.

    Raises:
        UserError: A part refuses its arguments, or raises something else as it is made.
    """
    wiring = request.wiring
    with naming("a part of the configuration, as it was made,"):
        try:
            wiring.instantiate(config)
        except (MisconfigurationException, ImportError, ValueError) as error:
            raise _refused(error, config.trainer.accelerator) from error
    model, data, pruning = wiring.model, wiring.datamodule, wiring.config_init[request.command].pruning
    assert isinstance(model, Classifier)
    assert isinstance(data, NoisyLabelData)
    assert isinstance(pruning, IterativePruning)
    options = wiring._prepare_subcommand_kwargs(request.command)
    del options["model"], options["datamodule"]
    with naming("model.net, as it was made,"):
        model.draw_from(builder(config.model.net.as_dict()))
    return Experiment(model, data, pruning, wiring.trainer, options)


_PROBLEM = re.compile(r"Problem with given class_path '[\w.]*?(\w+)': (.*?)(?= - Expected | Given value type|$)")


def _refused(error: Exception, accelerator: object) -> Exception:
    """Return the error to raise where Lightning refuses settings or lacks a package; any other as it is."""
    if isinstance(error, MisconfigurationException):
        text = one_line(str(error))
        hint = f" (trainer.accelerator is {accelerator}; auto takes what there is)" if "backend" in text else ""
        return UserError(f"trainer: {text}{hint}")
    problem = _PROBLEM.search(one_line(str(error)))
    return error if problem is None else UserError(f"{problem[1]} cannot be made: {problem[2]}")
