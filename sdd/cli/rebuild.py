"""A run's network, loss and data made again from its folder, to evaluate trained levels of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from lightning.pytorch.utilities.seed import isolate_rng
from torch import nn

from sdd.cli.build import build
from sdd.cli.parse import parse
from sdd.cli.same_data import checked_record
from sdd.console import quieten_lightning
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from sdd.files import read_text
from sdd.losses import Loss
from sdd.runs.data_record import DataRecord
from sdd.runs.folder import RunFolder
from sdd.runs.prerequisites import TICKETS

_ALONE = {
    "strategy": "auto",
    "devices": 1,
    "num_nodes": 1,
    "sync_batchnorm": False,
    "logger": False,
    "callbacks": None,
}
"""Settings of a Trainer that evaluates on one device, and tells nobody."""


@dataclass(frozen=True)
class Rebuilt:
    """What a run's levels were measured with.

    Attributes:
        net: In no particular state.
        data: Loaded, on the network's device.
        loss: That it was trained with.
        record: What the data are.
    """

    net: nn.Module
    data: NoisyLabelData
    loss: Loss
    record: DataRecord


@contextmanager
def rebuilt(folder: RunFolder, level: int, accelerator: str | None = None) -> Iterator[Rebuilt]:
    """Make again what a run's levels were measured with, on one device and with the run's number of threads.

    Number of threads, precision, random states and gradient mode are afterwards as before.

    Args:
        folder: The run's, with its `config.yaml`.
        level: One of its stored levels.
        accelerator: Lightning's name of the device; None: as in the run.

    Raises:
        UserError: Something cannot be made, or the data have changed since.
    """
    if not folder.config.is_file():
        raise UserError(f"{folder.path} has no {folder.config.name}, so that its network cannot be made again")
    read_text(folder.config)  # says so if it is damaged
    quieten_lightning()
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    try:
        with isolate_rng(), torch.no_grad():
            try:
                request = parse(["test", "--config", str(folder.config), f"--run_dir={folder.path}"])
            except UserError as error:
                raise UserError(f"{folder.config}: {error}") from error
            config = request.config.clone()
            for name, value in TICKETS.items():  # nothing is pruned
                config.pruning[name] = value
            config.trainer.accelerator = accelerator or config.trainer.accelerator
            for name, value in _ALONE.items():
                config.trainer[name] = value
            experiment = build(request, config)
            record = checked_record(request, experiment, folder.level_checkpoint(level))
            experiment.data.trainer = experiment.trainer
            experiment.data.setup("test")
            experiment.model.to(experiment.trainer.strategy.root_device)
            yield Rebuilt(experiment.model.net, experiment.data, experiment.model.loss, record)
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
