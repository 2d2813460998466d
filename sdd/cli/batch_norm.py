"""Whether batch normalisation can take its statistics from the batches that it will be trained on."""

import lightning.pytorch as pl
from lightning.pytorch.strategies import ParallelStrategy
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sdd.callbacks.steps import kept_batches
from sdd.data import NoisyLabelData
from sdd.errors import UserError


def check_batch_norm(net: nn.Module, data: NoisyLabelData, trainer: pl.Trainer) -> None:
    """Find out whether each batch of the training gives batch normalisation its statistics.

    Those of several processes are those of their whole batch, so that a run is the same experiment on however many
    devices: they must be synchronised, which torch can do on GPUs only.

    Args:
        net: In training mode.
        data: What it is trained on.
        trainer: What trains it.

    Raises:
        UserError: The last batch has one example, or several processes do not share their statistics.
    """
    layers = [name for name, layer in net.named_modules() if isinstance(layer, _BatchNorm) and layer.training]
    if not layers:
        return
    if isinstance(trainer.strategy, ParallelStrategy):
        _check_processes(layers[0], trainer)
    loader = data.train_dataloader()
    batches = len(loader)
    smallest = loader.last_size if kept_batches(trainer, batches) == batches else loader.batch_size
    if smallest == 1:
        rest = f"{len(loader.labels)} examples in batches of {loader.batch_size}"
        raise UserError(
            f"the last batch of an epoch has a single example ({rest}), from which batch normalisation ({layers[0]}) "
            "cannot take its statistics: set --data.drop_last true, or another --data.batch_size or --data.train_size"
        )


def _check_processes(layer: str, trainer: pl.Trainer) -> None:
    """Raise a UserError where the processes of a parallel strategy do not share the statistics of their batch."""
    synchronised = getattr(trainer.strategy, "_layer_sync", None) is not None
    on_cpu = trainer.strategy.root_device.type == "cpu"
    if trainer.world_size > 1 and on_cpu:
        raise UserError(
            f"batch normalisation ({layer}) in {trainer.world_size} processes on the CPU would take statistics of a "
            "part of each batch, which is another experiment, and torch synchronises them on GPUs only: set "
            "--trainer.devices 1"
        )
    if trainer.world_size > 1 and not synchronised:
        raise UserError(
            f"batch normalisation ({layer}) in {trainer.world_size} processes would take statistics of a part of each "
            "batch, which is another experiment: set --trainer.sync_batchnorm true"
        )
    if synchronised and on_cpu:
        raise UserError(
            "trainer.sync_batchnorm is true, but torch synchronises batch normalisation on GPUs only: leave it unset"
        )
