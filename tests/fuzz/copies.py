"""Command lines, each run in a copy of this process that has imported everything, with limits of time and memory."""

import gc
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RAISED = 70
"""Exit status of a copy in which something was raised that no command says in a line."""

_CPU_SECONDS, _SECONDS = 15, 240
_MEMORY = 8 * 2**30
_FILE = 200 * 2**20


@dataclass(frozen=True)
class Ended:
    """How a copy has ended. Attributes: status: As of a process; None: it was still running. out, err: Its output."""

    status: int | None
    out: str
    err: str


@contextmanager
def all_imported() -> Iterator[None]:
    """Import what the commands need and build the parser of `fit`, so that copies have it."""
    import sdd.__main__
    import sdd.analysis.command
    import sdd.cli.command
    import sdd.data.datasets.digits
    import sdd.report.command  # noqa: F401
    from sdd.cli import wiring

    wiring.build_parser()
    gc.collect()
    gc.freeze()  # as in `sdd.fork_server`
    try:
        yield
    finally:
        wiring._BUILT.clear()
        gc.unfreeze()


def run_copy(arguments: Sequence[str], place: Path) -> Ended:
    """Run a command in a copy of this process.

    Args:
        arguments: After `python -m sdd`.
        place: Folder in which it runs.
    """
    with tempfile.TemporaryDirectory(prefix="sdd-said-") as beside:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _be_the_copy(arguments, place, Path(beside))
        status = _status(pid)
        out, err = (Path(beside, name).read_text(errors="backslashreplace") for name in ("out", "err"))
    return Ended(status, out, err)


def _be_the_copy(arguments: Sequence[str], place: Path, beside: Path) -> None:
    status = RAISED
    try:
        os.setpgid(0, 0)
        for number, name in ((1, "out"), (2, "err")):
            file = os.open(beside / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(file, number)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - pytest has put its own there
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.chdir(place)
        for what, most in (
            (resource.RLIMIT_CPU, _CPU_SECONDS),
            (resource.RLIMIT_AS, _MEMORY),
            (resource.RLIMIT_FSIZE, _FILE),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(what, (most, most))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        import sdd.__main__ as program

        sys.modules["__main__"], sys.argv = program, [program.__file__, *arguments]  # what Lightning starts again
        status = program.main([*arguments])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - what nobody has caught is what is looked for
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _status(pid: int) -> int | None:
    """Wait for a copy, and end it and whatever it has started once its time is over."""
    until = time.monotonic() + _SECONDS
    pause = 0.005
    while time.monotonic() < until:
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(code)
            return None if status == -signal.SIGXCPU or status == -signal.SIGKILL else status
        time.sleep(pause)
        pause = min(2 * pause, 0.1)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None
