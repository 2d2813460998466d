"""Runs on this machine, a fixed number at once."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock, Thread

from sdd.processes import ForkClient, ForkServer, can_fork
from sdd.sweep import guarded_fit
from sdd.sweep.engine import threads_of
from sdd.sweep.fit_process import FitProcess, Outcome, environment_of_fit, failure_reason, log_size
from sdd.sweep.planned_run import PlannedRun

# What runs import or make sooner or later, none of it the user's.
IMPORTED = (
    guarded_fit.__name__,
    "sdd.__main__",
    "sdd.cli.command",
    "sdd.data.datasets.digits",
    "sdd.sweep.warm_up:warm_up",
)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalEngine:
    """A thread for each run at work, which waits for its process; where that can be, runs import once and are forked.

    Args:
        workers: How many at once.
    """

    def __init__(self, workers: int) -> None:
        self.at_once: int | None = workers
        self._threads = cores() // workers
        self._pool = ThreadPoolExecutor(workers)
        self._lock = Lock()
        self._stopping = False
        self._running: dict[FitProcess, PlannedRun] = {}
        self._servers: dict[tuple[Path, tuple[tuple[str, str], ...]], ForkServer] = {}

    def submit(self, run: PlannedRun, directory: Path) -> "Future[Outcome]":
        """Start a run."""
        return self._pool.submit(self._run, run, directory)

    def _run(self, run: PlannedRun, directory: Path) -> Outcome:
        start = log_size(run.log)
        environment = threads_of(run, self._threads)
        client = self._client(directory, environment)
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

    def _client(self, directory: Path, environment: dict[str, str]) -> ForkClient | None:
        """Return what forks a run, once all is imported; None: runs are new processes here."""
        with self._lock:
            if self._stopping or not can_fork():
                return None
            key = directory, tuple(environment.items())
            if key not in self._servers:
                self._servers[key] = ForkServer(IMPORTED, directory, environment_of_fit(environment))
            server = self._servers[key]
        return server.client()

    def stop(self) -> None:
        """Ask all runs to end in an orderly way, so that they can be resumed, and start no further one."""
        with self._lock:
            self._stopping = True
            for server in self._servers.values():
                server.give_up()
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
        """Wait for the threads, which have nothing left to wait for, and end the servers."""
        self._pool.shutdown()
        for server in self._servers.values():
            server.close()
