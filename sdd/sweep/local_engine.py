"""Runs on this machine, a fixed number at once."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from sdd.sweep.engine import threads_of
from sdd.sweep.fit_process import FitProcess, Outcome, failure_reason
from sdd.sweep.planned_run import PlannedRun


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalEngine:
    """A thread for each run at work, which waits for its process.

    Args:
        workers: How many at once.
    """

    def __init__(self, workers: int) -> None:
        self.at_once: int | None = workers
        self._threads = cores() // workers
        self._pool = ThreadPoolExecutor(workers)
        self._lock = Lock()
        self._stopping = False
        self._running: set[FitProcess] = set()

    def submit(self, run: PlannedRun, directory: Path) -> "Future[Outcome]":
        """Start a run."""
        return self._pool.submit(self._run, run, directory)

    def _run(self, run: PlannedRun, directory: Path) -> Outcome:
        start = run.log.stat().st_size if run.log.exists() else 0
        with self._lock:
            if self._stopping:
                return Outcome(-1, "not started")
            try:
                process = FitProcess(run.arguments, run.log, directory, threads_of(run, self._threads))
            except OSError as error:
                return Outcome(-1, f"it cannot be started: {error}")
            self._running.add(process)
        status = process.wait()
        with self._lock:
            self._running.discard(process)
        return Outcome(status, failure_reason(status, run.log, start) if status else None)

    def stop(self) -> None:
        """Ask all runs to end in an orderly way, so that they can be resumed, and start no further one."""
        with self._lock:
            self._stopping = True
            for process in self._running:
                process.terminate()

    def kill(self) -> None:
        """End all runs at once."""
        with self._lock:
            for process in self._running:
                process.kill()

    def close(self) -> None:
        """Wait for the threads, which have nothing left to wait for."""
        self._pool.shutdown()
