"""Processes that import once what runs need, and are copied for each run."""

from pathlib import Path
from threading import Lock
from types import TracebackType

from sdd.processes import ForkClient, ForkServer, can_fork
from sdd.sweep import guarded_fit
from sdd.sweep.fit_process import environment_of_fit

# What runs import or make sooner or later, none of it the user's.
IMPORTED = (
    guarded_fit.__name__,
    "sdd.__main__",
    "sdd.cli.command",
    "sdd.data.datasets.digits",
    "sdd.sweep.warm_up:warm_up",
)


class FitServers:
    """One server for each working directory and environment of runs. Use it as a context: it ends them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ended = False
        self._servers: dict[tuple[Path, tuple[tuple[str, str], ...]], ForkServer] = {}

    def __enter__(self) -> "FitServers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start(self, directory: Path, environment: dict[str, str]) -> ForkServer | None:
        """Let a server begin to import, unless it has; returns it, or None where runs are new processes.

        Args:
            directory: Of the runs.
            environment: Variables that they have unless the user has set them.
        """
        with self._lock:
            if self._ended or not can_fork():
                return None
            key = directory, tuple(environment.items())
            if key not in self._servers:
                try:
                    self._servers[key] = ForkServer(IMPORTED, directory, environment_of_fit(environment))
                except OSError:  # no room for a further process now; a run that finds none either says so
                    return None
            return self._servers[key]

    def client(self, directory: Path, environment: dict[str, str]) -> ForkClient | None:
        """Return what forks a run, once all is imported; None: runs are new processes here."""
        server = self.start(directory, environment)
        return None if server is None else server.client()

    def give_up(self) -> None:
        """End what still imports, and start nothing more; who waits for it learns that it has ended."""
        with self._lock:
            self._ended = True
            for server in self._servers.values():
                server.give_up()

    def close(self) -> None:
        """End all servers, which are to have no copies left."""
        with self._lock:
            self._ended = True
            for server in self._servers.values():
                server.close()
            self._servers.clear()
