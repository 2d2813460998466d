"""Runs on this machine, a fixed number at once."""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock, Thread

from sdd.sweep.engine import threads_of
from sdd.sweep.fit_process import FitProcess, Outcome, failure_reason, log_size
from sdd.sweep.fit_servers import FitServers
from sdd.sweep.planned_run import PlannedRun


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_workers(runs: Sequence[PlannedRun]) -> int:
    """Return how many runs at once this machine has cores for, where all say how many they use; else 1.

    Args:
        runs: One that leaves `threads` open uses all cores, and one that may train on a GPU all of its memory.
    """
    values = [run.settings.values for run in runs]
    threads = [each.get("threads") if each.get("trainer.accelerator") == "cpu" else None for each in values]
    known = [number for number in threads if isinstance(number, int)]
    return max(cores() // max(known), 1) if known and len(known) == len(runs) else 1


class LocalEngine:
    """A thread for each run at work, which waits for its process; where that can be, runs import once and are forked.

    Args:
        workers: How many at once.
        servers: Whose copies they are.
    """

    def __init__(self, workers: int, servers: FitServers) -> None:
        self.at_once: int | None = workers
        self._threads, self._servers = cores() // workers, servers
        self._pool = ThreadPoolExecutor(workers)
        self._lock = Lock()
        self._stopping = False
        self._running: dict[FitProcess, PlannedRun] = {}

    def submit(self, run: PlannedRun, directory: Path) -> "Future[Outcome]":
        """Start a run."""
        return self._pool.submit(self._run, run, directory)

    def _run(self, run: PlannedRun, directory: Path) -> Outcome:
        start = log_size(run.log)
        environment = threads_of(run, self._threads)
        client = self._servers.client(directory, environment)
        with self._lock:
            if self._stopping:
                return Outcome(-1, "not started")
            try:
                process = FitProcess(run.arguments, run.log, directory, environment, client=client)
            except OSError as error:
                return Outcome(-1, f"it cannot be started: {error}")
            self._running[process] = run
        status = process.wait()
        with self._lock:
            del self._running[process]
        return Outcome(status, failure_reason(status, run.log, start) if status else None)

    def stop(self) -> None:
        """Ask all runs to end in an orderly way, so that they can be resumed, and start no further one."""
        with self._lock:
            self._stopping = True
            self._servers.give_up()
            for process in self._running:
                process.terminate()

    def end(self, run: PlannedRun) -> None:
        """Ask a run to end, and kill it where it does not."""
        with self._lock:
            processes = [process for process, its in self._running.items() if its is run]
        for process in processes:
            Thread(target=process.end, daemon=True).start()

    def kill(self) -> None:
        """End all runs at once."""
        with self._lock:
            for process in self._running:
                process.kill()

    def close(self) -> None:
        """Wait for the threads, which have nothing left to wait for."""
        self._pool.shutdown()
