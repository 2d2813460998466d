"""Which of the processes that work on a run together this is, as Lightning finds it out when it trains."""

import torch
from jsonargparse import Namespace
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lsf import LSFEnvironment
from lightning.fabric.plugins.environments.mpi import MPIEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from sdd.console import set_process
from sdd.failures import naming

_LAUNCHERS: tuple[type[ClusterEnvironment], ...] = (
    TorchElasticEnvironment,
    SLURMEnvironment,
    LSFEnvironment,
    MPIEnvironment,
)
"""In the order in which Lightning asks them: torchrun may be used within Slurm."""


def note_process(trainer: Namespace) -> None:
    """Note which process of the run this is, for `is_first_process` and `process_count`.

    A run on one device is its process's own, whatever has started that: a launcher may start several such runs.

    Args:
        trainer: That section of the configuration.

    Raises:
        UserError: The launcher's variables do not say, or Lightning does not take them.
    """
    if not _is_shared(trainer):
        set_process(0, 1)
        return
    for launcher in _LAUNCHERS:
        if launcher.detect():
            with naming(launcher.__name__):
                environment = launcher()
                set_process(environment.global_rank(), environment.world_size())
            return
    set_process(None, None)  # Lightning starts the others itself, and tells them by variables


def _is_shared(trainer: Namespace) -> bool:
    """Tell whether several processes work on a run."""
    return trainer.strategy != "auto" or trainer.num_nodes > 1 or _device_count(trainer) > 1


def _device_count(trainer: Namespace) -> int:
    devices = trainer.devices
    if isinstance(devices, list):
        return len(devices)
    if isinstance(devices, str) and "," in devices:
        return len(list(filter(None, devices.split(","))))
    if devices in {"auto", "-1", -1}:
        return 1 if trainer.accelerator == "cpu" else torch.cuda.device_count()
    return int(devices)
