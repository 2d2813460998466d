"""Third step: network, data, Trainer and callbacks made, and checked before anything is computed with them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
import torch
from jsonargparse import ArgumentParser, Namespace
from torch import nn

from sdd.callbacks import IterativePruning
from sdd.cli.batch_norm import check_batch_norm
from sdd.cli.parse import Request
from sdd.cli.preflight import check_fit
from sdd.data import NoisyLabelData
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


def build(request: Request, config: Namespace) -> Experiment:
    """Make everything, then try what can fail before any training.

    Args:
        request: What the command line asks for.
        config: Its configuration, with what was found out since.

    Raises:
        UserError: A part refuses its arguments, or parts do not fit together.
    """
    config.trainer.default_root_dir = str(request.folder.path)
    threads = config.threads or request.folder.environment().get("threads")  # as at the run's first start
    if threads is not None:
        torch.set_num_threads(threads)
    pl.seed_everything(request.plan.seed, workers=True)
    experiment = _instantiate(request, config)
    model, data, pruning = experiment.model, experiment.data, experiment.pruning
    model.draw_from(_builder(config.model.net))
    pruning.check(model)
    data.load()
    if request.command == "validate":
        data.split("val")
    check_fit(model, data)
    if request.command == "fit":
        check_batch_norm(model.net, data, experiment.trainer)
        pruning.check_steps(len(data.train_dataloader()), experiment.trainer.accumulate_grad_batches)
    return experiment


def _instantiate(request: Request, config: Namespace) -> Experiment:
    wiring = request.wiring
    wiring.instantiate(config)
    model, data, pruning = wiring.model, wiring.datamodule, wiring.config_init[request.command].pruning
    assert isinstance(model, Classifier)
    assert isinstance(data, NoisyLabelData)
    assert isinstance(pruning, IterativePruning)
    options = wiring._prepare_subcommand_kwargs(request.command)
    del options["model"], options["datamodule"]
    return Experiment(model, data, pruning, wiring.trainer, options)


def _builder(net: Namespace) -> Callable[[], nn.Module]:
    """Return a function that builds the configured network anew, with fresh weights."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--net", type=nn.Module)
    config = parser.parse_object({"net": net.as_dict()})

    def build() -> nn.Module:
        built: nn.Module = parser.instantiate(config).net
        return built

    return build
