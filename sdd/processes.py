"""Processes that are copies of one which has imported everything: forked by a server, used like a Popen.

Importing PyTorch and Lightning takes seconds, a copy of a process that has done so milliseconds. The server
(`sdd/fork_server.py`) is a process of its own with a single thread, which has run nothing: copying this process, with
its threads and what it has computed, would not be safe.
"""

import glob
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from select import POLLIN, poll
from typing import Protocol

NUMBER = struct.Struct("i")
"""What the server reports of a process: first its number, then its status."""

LONGEST_REQUEST = 65_536
"""The most bytes that the server reads as one request."""

_READY = b"ready"

# Devices that a process may have opened while it imports, and a copy of it cannot use: NVIDIA, also under Windows, AMD,
# TPU, Neuron.
_ACCELERATORS = ("/dev/nvidia[0-9]*", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd", "/dev/accel*", "/dev/neuron*")


class Process(Protocol):
    """What the code asks of a process that it has started; `subprocess.Popen` is one, `Forked` the other."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit status, minus the signal's number where one killed it; None: it is running."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns the exit status.

        Raises:
            subprocess.TimeoutExpired: It is still running after so many seconds.
        """

    def terminate(self) -> None:
        """Send it SIGTERM, unless it has ended."""


def can_fork() -> bool:
    """Tell whether processes may be copied here: on Linux, without a GPU or the like, which copies could not use."""
    return sys.platform == "linux" and not any(map(glob.glob, _ACCELERATORS)) and _tells_of_ends()


def _tells_of_ends() -> bool:
    """Tell whether Python and the kernel tell of the end of a process by a descriptor, which the server waits for."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


class Forked:
    """A process that the server has copied.

    Args:
        pid: Its number.
        report: Where the server reports its status.
        standard_input: The other end of its standard input, which stays open as long as this object lives.
    """

    def __init__(self, pid: int, report: int, standard_input: int) -> None:
        self.pid = pid
        self._status: int | None = None
        self._report = open(report, "rb", buffering=0)  # noqa: SIM115 - closed with this object
        self._standard_input = open(standard_input, "wb", buffering=0)  # noqa: SIM115
        self._reading = threading.RLock()  # a signal's handler may ask while its thread reads

    def poll(self) -> int | None:
        """Return the exit status, minus the signal's number where one killed it; None: it is running."""
        with self._reading:
            if self._status is None and _readable(self._report.fileno(), 0):
                told = self._report.read(NUMBER.size)
                if told:
                    (self._status,) = NUMBER.unpack(told)
                elif self._status is None:  # the server was killed, so nobody would learn how this one ends
                    self._signal(signal.SIGKILL)
                    self._status = -signal.SIGKILL
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns the exit status.

        Raises:
            subprocess.TimeoutExpired: It is still running after so many seconds.
        """
        if self._status is None:
            _readable(self._report.fileno(), timeout)
        status = self.poll()
        if status is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return status

    def terminate(self) -> None:
        """Send it SIGTERM, unless it has ended."""
        if self.poll() is None:
            self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


class ForkClient:
    """Asks a server for copies.

    Args:
        control: The socket on which it listens.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control

    def start(self, module: str, arguments: Sequence[str], output: int, error: int, group: int = 0) -> Forked | None:
        """Copy the server, and call `main(arguments)` of a module there, as `python -m MODULE` does.

        Args:
            module: Its name.
            arguments: The command line after the program's name.
            output: File descriptor of standard output; standard input is a pipe that ends with the returned object.
            error: Likewise of standard error.
            group: Process group in the server's session that the copy joins; 0: one of its own.

        Returns:
            None where there is no server any more, or it cannot: nothing has been started then.
        """
        request = json.dumps({"module": module, "arguments": [*arguments], "group": group}).encode()
        if len(request) > LONGEST_REQUEST:
            return None
        read_input, write_input = os.pipe()
        read_report, write_report = os.pipe()
        passed = [read_input, output, error, write_report, self._control.fileno()]
        try:
            socket.send_fds(self._control, [request], passed)
            sent = True
        except OSError:  # it has ended
            sent = False
        os.close(read_input)
        os.close(write_report)
        told = os.read(read_report, NUMBER.size) if sent else b""
        if not told:
            os.close(read_report)
            os.close(write_input)
            return None
        return Forked(NUMBER.unpack(told)[0], read_report, write_input)


class ForkServer:
    """A process that imports some modules once, and is then copied on request; it ends when nobody can ask it any more.

    Args:
        modules: What it imports.
        directory: To run in.
        environment: Variables of it and its copies: libraries read some of them when they are imported.
    """

    def __init__(self, modules: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
        control, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control, self._ready, self._asking = control, False, threading.Lock()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sdd.fork_server", str(its.fileno()), *modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # where an import fails, the new process that is started instead says so
                cwd=directory,
                env=environment,
                pass_fds=[its.fileno()],
                start_new_session=True,
            )

    def client(self) -> ForkClient | None:
        """Wait until everything is imported; returns what asks for copies, None where the server has ended."""
        with self._asking:
            if not self._ready:
                with suppress(ConnectionResetError):
                    self._ready = self._control.recv(len(_READY)) == _READY
        return ForkClient(self._control) if self._ready else None

    def give_up(self) -> None:
        """End the server at once unless it is ready; who waits for it learns that it has ended."""
        if not self._ready:
            self._process.kill()

    def close(self) -> None:
        """End the server, which is to have no copy left."""
        self.give_up()
        with suppress(OSError):  # it has ended already
            self._control.shutdown(socket.SHUT_RDWR)  # what a run has left behind may hold a copy of the socket
        self._control.close()
        self._process.wait()


def say_ready(control: socket.socket) -> None:
    """Tell whoever waits in `ForkServer.client` that everything is imported."""
    control.send(_READY)


def _readable(file: int, seconds: float | None) -> bool:
    """Wait until something can be read or the other end is closed; returns whether that was within the time."""
    waiting = poll()
    waiting.register(file, POLLIN)
    return bool(waiting.poll(None if seconds is None else 1000 * seconds))


_own_client: ForkClient | None = None


def own_client() -> ForkClient | None:
    """Return what asks the server of which this process is a copy; None: it is none."""
    return _own_client


def set_own_client(client: ForkClient) -> None:
    """Note in a copy what asks its server."""
    global _own_client
    _own_client = client
