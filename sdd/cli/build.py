"""Third step: network, data, Trainer and callbacks made, and checked before anything is computed with them."""

import lightning.pytorch as pl
import torch
from jsonargparse import Namespace

from sdd.callbacks.time_limit import TimeLimit, duration_of
from sdd.cli.batch_norm import check_batch_norm
from sdd.cli.claim import is_first_process
from sdd.cli.experiment import Experiment, make
from sdd.cli.parse import Request
from sdd.cli.preflight import check_fit
from sdd.cli.trial import try_out
from sdd.console import say
from sdd.runs.prerequisites import AUTO, TICKETS


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
    if config.matmul_precision is not None:
        torch.set_float32_matmul_precision(config.matmul_precision)
    fits = request.command == "fit"
    max_time = duration_of(config.trainer.max_time) if fits else None
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
    if config.model.distill_from is not None and not config.model.distill_weight and fits and is_first_process():
        say("model.distill_weight is 0: the run that model.distill_from names teaches nothing", error=True)
    if fits:
        check_batch_norm(model.net, data, trainer)
        pruning.check_trainer(trainer, model, len(data.train_dataloader()))
        if config.preflight and is_first_process():
            try_out(request, config, data)
        if max_time is not None:
            callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
            callbacks.append(TimeLimit(max_time))
    return experiment


def try_only(request: Request) -> None:
    """Try all that a run does on two batches, and write nothing: `trainer.fast_dev_run`.

    Args:
        request: Of `fit`.

    Raises:
        UserError: Something fails.
    """
    config = request.config.clone()
    config.preflight = True
    if config.pruning.masks_from == AUTO:
        for name, value in TICKETS.items():  # that run need not be there yet
            config.pruning[name] = value
    build(request, config)
    say("tried a dense and a pruned level on two batches: all parts work together; nothing was written")
