"""One `fit` as a process of its own, with all that it starts."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sdd.messages import one_line
from sdd.processes import ForkClient, Process
from sdd.sweep import guarded_fit
from sdd.sweep.guarded_fit import GRACE_SECONDS

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Outcome:
    """How a process ended. Attributes: status: Its exit status. reason: Why it failed, in one line; else None."""

    status: int
    reason: str | None = None


class FitProcess:
    """A running `fit` in a process group of its own; it ends when this process does.

    Args:
        arguments: After `python -m sdd`.
        log: File to which its output is added.
        directory: To run in.
        environment: Variables that are set unless the user has set them.
        note: What its log says first, after the command.
        client: Asks a server in this directory and environment to fork it; None, or where it cannot: a new process.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path,
        directory: Path,
        environment: Mapping[str, str],
        note: str = "",
        client: ForkClient | None = None,
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab", buffering=0) as output:
            output.write(f"$ {shown_command(arguments)}{note and f'  # {note}'}\n".encode())
            forked = client and client.start(guarded_fit.__name__, arguments, output.fileno(), output.fileno())
            self._process: Process = forked or subprocess.Popen(
                [sys.executable, "-m", guarded_fit.__name__, *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=environment_of_fit(environment),
                start_new_session=True,
            )

    def wait(self) -> int:
        """Wait for its end, then end what it has left behind.

        Returns:
            The exit status; minus the signal's number where one killed it.
        """
        while (status := self._process.poll()) is None:
            time.sleep(_POLL_SECONDS)  # in a task of Ray, an interrupt comes between two looks, never within a wait
        self._signal_group(signal.SIGKILL)
        return status

    def terminate(self) -> None:
        """Ask it to end in an orderly way, so that the run can be resumed."""
        if self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End it, and all that it has started, at once."""
        if self._process.poll() is None:
            self._signal_group(signal.SIGKILL)

    def end(self) -> None:
        """Ask it to end; kill it where it does not."""
        self.terminate()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self.wait()

    def _signal_group(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):  # it is gone; macOS says so of the dead in the second way
            os.killpg(self._process.pid, number)


def environment_of_fit(environment: Mapping[str, str]) -> dict[str, str]:
    """Return all variables of a `fit`.

    Args:
        environment: Variables that are set unless the user has set them.
    """
    return {"PYTHONUNBUFFERED": "1", **environment, **os.environ}


def shown_command(arguments: Sequence[str]) -> str:
    """Return the command line that does the same from a shell."""
    return shlex.join([sys.executable, "-m", "sdd", *arguments])


def outcome_of(ended: "Future[Outcome]") -> Outcome:
    """Return how a process ended; where something was raised instead, that is why it failed."""
    error = ended.exception()
    return ended.result() if error is None else Outcome(-1, one_line(f"{type(error).__name__}: {error}")[:300])


def log_size(log: Path) -> int:
    """Return how much a log holds, in bytes; 0 where there is none."""
    try:
        return log.stat().st_size
    except OSError:
        return 0


def failure_reason(status: int, log: Path, start: int) -> str:
    """Return why a process failed, in one line.

    Args:
        status: Its exit status.
        log: Its output.
        start: Where in the log this attempt begins, in bytes.

    Returns:
        What it said; where the log is gone, the exit status.
    """
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return f"killed by {name}" + (" (out of memory?)" if -status == signal.SIGKILL else "")
    try:
        with log.open("rb") as file:
            file.seek(start)
            said_since = file.read()
    except OSError as error:
        return f"exit status {status}; its log cannot be read: {error.strerror or error}"
    lines = [line.strip() for line in said_since.decode(errors="replace").splitlines()[1:] if line.strip()]
    errors = [line.removeprefix("sdd: error: ") for line in lines if line.startswith("sdd: error: ")]
    said = errors or lines or ["it said nothing"]
    return said[-1] if errors else f"exit status {status}: {said[-1]}"
