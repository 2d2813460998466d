"""The interface of what starts and stops the processes of a sweep."""

from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from sdd.sweep.fit_process import Outcome
from sdd.sweep.planned_run import PlannedRun


class Engine(Protocol):
    """Starts runs, each as a process of its own. Attributes: at_once: How many to give it at a time; None: all."""

    at_once: int | None

    def submit(self, run: PlannedRun, directory: Path) -> "Future[Outcome]":
        """Start a run now or when there is room; the working directory is that of the command line."""

    def stop(self) -> None:
        """Ask all runs to end in an orderly way, so that they can be resumed, and start no further one."""

    def end(self, run: PlannedRun) -> None:
        """Ask a run to end, and kill it where it does not."""

    def kill(self) -> None:
        """End all runs at once."""

    def close(self) -> None:
        """Release what the engine holds."""


def threads_of(run: PlannedRun, threads: int) -> dict[str, str]:
    """Return environment variables that set a run's number of threads, where its settings do not.

    Args:
        run: The run.
        threads: The number; below 1 counts as 1.
    """
    if run.settings.values.get("threads") is not None:
        return {}
    return dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(max(threads, 1)))
