"""Runs on the machines of a Ray cluster, one task a run."""

import logging
import os
import socket
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from sdd.errors import UserError
from sdd.messages import one_line
from sdd.sweep.engine import threads_of
from sdd.sweep.fit_process import Outcome, outcome_of
from sdd.sweep.planned_run import PlannedRun
from sdd.sweep.ray_task import run_task

# How often a run is started again whose machine was lost; one that fails by itself is not.
_RETRIES = 3

_CONNECT_SECONDS = 10.0


class RayEngine:
    """Asks Ray for CPUs and GPUs for each run, and lets it choose when and where.

    Args:
        address: Of the cluster; None: where RAY_ADDRESS says, or the cluster on this machine, started if need be.
        cpus: CPUs a run.
        gpus: GPUs a run.

    Raises:
        UserError: Ray is not installed or not there.
    """

    def __init__(self, address: str | None, cpus: float, gpus: float) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise UserError("--ray needs Ray, which is not installed: pip install 'sdd[ray]'") from error
        self._ray: Any = ray
        _check_address(address or os.environ.get("RAY_ADDRESS"))
        try:
            ray.init(address=address, log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UserError(f"cannot reach Ray at {address or 'this machine'}: {one_line(str(error))}") from error
        self.at_once: int | None = None
        self._cpus = cpus
        self._check(cpus, gpus)
        self._task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=_RETRIES)(run_task)
        self._tasks: dict[Any, PlannedRun] = {}

    def _check(self, cpus: float, gpus: float) -> None:
        """Say so where no machine has what a run asks for: one may join, but perhaps none ever will."""
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if not any(node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpus for node in nodes):
            most = ", ".join(f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes)
            sys.stderr.write(
                f"sdd: a run asks for {cpus:g} CPUs and {gpus:g} GPUs, but the machines of this Ray cluster have "
                f"{most}; the runs wait until one joins that has enough\n"
            )

    def submit(self, run: PlannedRun, directory: Path) -> "Future[Outcome]":
        """Hand a run to Ray."""
        task = self._task.remote(run.arguments, run.path, run.log, directory, threads_of(run, int(self._cpus)))
        self._tasks[task] = run
        future: Future[Outcome] = Future()
        task.future().add_done_callback(lambda done: future.set_result(outcome_of(done)))
        return future

    def stop(self) -> None:
        """Ask all runs to end in an orderly way, so that they can be resumed, and start no further one."""
        for task in self._tasks:
            self._ray.cancel(task, force=False)

    def end(self, run: PlannedRun) -> None:
        """Ask a run to end, and kill it where it does not."""
        for task in [task for task, its in self._tasks.items() if its is run]:
            self._ray.cancel(task, force=False)  # what runs there kills it after a while: see `run_task`

    def kill(self) -> None:
        """End all runs at once."""
        for task in self._tasks:
            self._ray.cancel(task, force=True)

    def close(self) -> None:
        """Leave the cluster; one that was started for this sweep ends."""
        self._ray.shutdown()


def _check_address(address: str | None) -> None:
    """Refuse at once an address at which nothing listens; Ray itself would try for minutes."""
    if address in {None, "auto", "local"}:
        return
    host, _, port = str(address).rpartition(":")
    if not host or "/" in host or not port.isdigit():
        raise UserError(f"the address of Ray is {address}; it must be HOST:PORT of the head node, such as head:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"cannot reach Ray at {address} ({error}); start it there: ray start --head") from error
