"""`python -m sdd.fork_server SOCKET MODULE …`: imports modules, then copies itself for each request (see `processes`).

A copy is what a new process would be once it has imported the modules: nothing else has run here, so that threads,
random state, caches and warnings are those of the start. What a request names is imported in the copy.
"""

import atexit
import gc
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from select import POLLIN, poll
from typing import NoReturn

from sdd.processes import LONGEST_REQUEST, NUMBER, ForkClient, say_ready, set_own_client

_STANDARD = 3
_PASSED = _STANDARD + 2


@dataclass(frozen=True)
class _Request:
    """What a copy is to do. Attributes: as in `ForkClient.start`; standard: The descriptors of input, output, error."""

    module: str
    arguments: Sequence[str]
    group: int
    standard: Sequence[int]
    report: int
    client: int


def main(arguments: Sequence[str]) -> None:
    """Serve; a copy does what was asked for, and ends here.

    Args:
        arguments: The number of the socket, then the modules; of MODULE:FUNCTION the function is called as well.
    """
    control = socket.socket(fileno=int(arguments[0]))
    gc.disable()
    for named in arguments[1:]:
        _import(*named.partition(":")[::2])
    gc.freeze()  # what is imported stays: to look through it in a copy would touch, and so copy, all of it
    gc.enable()
    say_ready(control)
    request = _serve(control)
    if request is not None:
        control.close()
        _end(_status(_become(request), request.arguments))


def _import(module: str, function: str) -> None:
    """Import a module, and call a function of it; what that raises ends the server, so that runs are new processes."""
    try:
        imported = import_module(module)
    except ImportError:  # a copy that needs it says so
        return
    if function:
        getattr(imported, function)()


def _serve(control: socket.socket) -> _Request | None:
    """Copy this process for each request and report how the copies end.

    Returns:
        In a copy, what it is to do; in the server None, once nobody is left who could ask.
    """
    copies: dict[int, tuple[int, int]] = {}  # number and report of each by the descriptor that tells of its end
    waiting = poll()
    waiting.register(control, POLLIN)
    while True:
        for file, _ in waiting.poll():
            if file in copies:
                waiting.unregister(file)
                pid, report = copies.pop(file)
                os.close(file)
                _tell(report, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                os.close(report)
                continue
            request = _received(control)
            if request is None:
                return None
            copy = _fork(request)
            if copy == 0:
                for open_file, (_, report) in copies.items():
                    os.close(open_file)
                    os.close(report)
                os.close(request.report)
                return request
            for passed in (*request.standard, request.client):
                os.close(passed)
            if copy is None:
                os.close(request.report)
                continue
            end = os.pidfd_open(copy)
            copies[end] = copy, request.report
            waiting.register(end, POLLIN)
            _tell(request.report, copy)


def _received(control: socket.socket) -> _Request | None:
    """Return the next request; None where nobody is left who could ask."""
    text, files, _, _ = socket.recv_fds(control, LONGEST_REQUEST, _PASSED)
    if not text:
        return None
    for file in files:
        os.set_inheritable(file, False)
    return _Request(
        **json.loads(text), standard=files[:_STANDARD], report=files[_STANDARD], client=files[_STANDARD + 1]
    )


def _fork(request: _Request) -> int | None:
    """Copy this process, into its process group; returns 0 in the copy, else its number, None where it cannot be."""
    try:
        pid = os.fork()
    except OSError:  # no room for a further process
        return None
    try:
        os.setpgid(pid, request.group)  # by both, so that each finds it done
    except OSError:  # the group has ended meanwhile, so there is nobody to run for
        os.kill(pid or os.getpid(), signal.SIGKILL)
    return pid


def _tell(report: int, number: int) -> None:
    """Report a number; who asked may have ended."""
    with suppress(BrokenPipeError):
        os.write(report, NUMBER.pack(number))


def _become(request: _Request) -> Callable[[list[str]], int]:
    """Make of a copy what `python -m MODULE ARGUMENTS…` is at its start; returns the module's function `main`."""
    for standard, passed in enumerate(request.standard):
        os.dup2(passed, standard)
        os.close(passed)
    set_own_client(ForkClient(socket.socket(fileno=request.client)))
    module = import_module(request.module)
    file = str(module.__file__)
    sys.argv = [file, *request.arguments]
    sys.orig_argv = [sys.executable, "-m", request.module, *request.arguments]
    sys.modules["__main__"] = module  # by its name Lightning starts further processes of this command
    if "numpy" in sys.modules:
        import numpy as np

        np.random.seed()  # noqa: NPY002 - from the system, as at a start; `random` does that by itself, and PyTorch's is fixed
    run: Callable[[list[str]], int] = module.main
    return run


def _status(run: Callable[[list[str]], int], arguments: Sequence[str]) -> int:
    """Return the exit status that Python gives a program that ends like this."""
    try:
        return run(list(arguments))
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
    except BaseException as error:  # noqa: BLE001 - as Python does at the end of a program
        sys.excepthook(type(error), error, error.__traceback__)
    return 1


def _end(status: int) -> NoReturn:
    """End a copy as Python ends, but for the objects: to free them would touch, and so copy, all that is imported."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as at every end
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more, or it is closed
            stream.flush()
    os._exit(status & 0xFF)


if __name__ == "__main__":
    main(sys.argv[1:])
