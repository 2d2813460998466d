"""Third step: network, data, Trainer and callbacks made, and checked before anything is computed with them."""

import lightning.pytorch as pl
import torch
from jsonargparse import Namespace

from sdd.callbacks.time_limit import TimeLimit
from sdd.cli.batch_norm import check_batch_norm
from sdd.cli.experiment import Experiment, make
from sdd.cli.parse import Request
from sdd.cli.preflight import check_fit


def build(request: Request, config: Namespace) -> Experiment:
    """Make everything, and find out whether it fits together.

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
    if config.matmul_precision is not None:
        torch.set_float32_matmul_precision(config.matmul_precision)
    fits = request.command == "fit"
    limit = TimeLimit(config.trainer.max_time) if fits and config.trainer.max_time is not None else None
    if fits:
        config.trainer.max_time, config.trainer.fast_dev_run = None, False  # both are ours
    pl.seed_everything(request.plan.seed, workers=True)
    experiment = make(request, config)
    model, data, pruning, trainer = experiment.model, experiment.data, experiment.pruning, experiment.trainer
    pruning.check(model)
    data.load()
    if request.command == "validate":
        data.split("val")
    check_fit(model, data)
    if fits:
        check_batch_norm(model.net, data, trainer)
        pruning.check_trainer(trainer, model, len(data.train_dataloader()))
        if limit is not None:
            callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
            callbacks.append(limit)
    return experiment
