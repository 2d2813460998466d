"""A run's network, loss and data made again from its folder, to evaluate trained levels of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from lightning.pytorch.utilities.seed import isolate_rng
from torch import nn

from sdd.cli.build import build
from sdd.cli.parse import parse
from sdd.cli.same_data import checked_record
from sdd.console import quieten_lightning
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from sdd.losses import Loss
from sdd.runs.config_text import as_text
from sdd.runs.data_record import DataRecord
from sdd.runs.folder import RunFolder
from sdd.runs.identity import check_same_code
from sdd.runs.prerequisites import TICKETS
from sdd.yaml_files import read_yaml

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
    text = _buildable(folder)
    check_same_code(folder)
    quieten_lightning()
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    try:
        with isolate_rng(), torch.no_grad():
            try:
                with TemporaryDirectory() as place:
                    file = folder.config if text is None else Path(place) / folder.config.name
                    if text is not None:
                        file.write_text(text, encoding="utf-8")
                    request = parse(["test", "--config", str(file), f"--run_dir={folder.path}"])
            except UserError as error:
                raise UserError(f"{folder.config}: {error}") from error
            settings = request.config.clone()
            for name, value in TICKETS.items():  # nothing is pruned
                settings.pruning[name] = value
            settings.trainer.accelerator = accelerator or settings.trainer.accelerator
            for name, value in _ALONE.items():
                settings.trainer[name] = value
            experiment = build(request, settings)
            record = checked_record(request, experiment, folder.level_checkpoint(level))
            experiment.data.trainer = experiment.trainer
            experiment.data.setup("test")
            experiment.model.to(experiment.trainer.strategy.root_device)
            yield Rebuilt(experiment.model.net, experiment.data, experiment.model.loss, record)
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


def _buildable(folder: RunFolder) -> str | None:
    """Return a configuration without what only trains, where a run that Python put together cannot say it; else None.

    Raises:
        UserError: It is damaged, or cannot say how its network is built.
    """
    content: Any = read_yaml(folder.config)
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict):
        return None  # which the parser has more to say of
    net = model.get("net")
    if isinstance(net, str) and "." not in net:
        raise UserError(f"{folder.config} cannot say how its network is built ({net})")
    unsaid = [name for name in ("optimizer", "lr_scheduler") if isinstance(model.get(name), str)]
    for name in unsaid:
        del model[name]
    return as_text(content) if unsaid else None
