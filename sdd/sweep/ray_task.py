"""What Ray does for one run on the machine that it has chosen; imports little, since every worker of Ray does so."""

import socket
from pathlib import Path

from sdd.runs.folder import RunFolder
from sdd.sweep.fit_process import FitProcess, Outcome, failure_reason, log_size


def run_task(
    arguments: tuple[str, ...], path: Path, log: Path, directory: Path, environment: dict[str, str]
) -> Outcome:
    """Run a `fit` to its end, unless it is finished: Ray may start a task again whose machine it has lost.

    Args:
        arguments: After `python -m sdd`.
        path: The run's folder.
        log: File to which its output is added.
        directory: To run in.
        environment: Variables to set.
    """
    if RunFolder(path).finished:
        return Outcome(0)
    import ray

    start = log_size(log)
    place = f"on {socket.gethostname()}, node {ray.get_runtime_context().get_node_id()}"
    try:
        process = FitProcess(arguments, log, directory, environment, place)
    except OSError as error:
        return Outcome(-1, f"it cannot be started: {error}")
    try:
        status = process.wait()
    finally:
        process.end()
    return Outcome(status, failure_reason(status, log, start) if status else None)
