"""A run in a process of its own, whose file operations are watched: `main` is called in a copy of a fork server."""

import json
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace

from sdd.__main__ import main as run
from sdd.processes import ForkClient, Forked, own_client, set_own_client
from sdd.runs import prerequisites
from tests.durability.operations import Operation, Stop, Watch

NAME = "tests.durability.child"


@dataclass(frozen=True)
class Task:
    """What a process does beside running its command.

    Attributes:
        record: File to record the operations in.
        at: Number of the operation to stop at.
        by: How it is stopped there.
        process: Which of the processes of a run this is about.
        begun: File that is made when the command begins.
        environment: Variables that are set first.
    """

    record: str | None = None
    at: int | None = None
    by: str = ""
    process: int = 0
    begun: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return it as `main` reads it."""
        return json.dumps(asdict(self))


def main(arguments: list[str]) -> int:
    """Run a command in a folder.

    Args:
        arguments: The folder; the task, as its `text` gives it; the command line.
    """
    place, text, *command = arguments
    task = Task(**json.loads(text))
    before = dict(os.environ)
    os.environ |= task.environment
    os.chdir(place)
    temporary = Path(place, "tmp")
    temporary.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    client = own_client()
    assert client is not None
    set_own_client(_ClientInPlace(client, place))
    _copy_further_processes(client, place, task, before)
    operations: list[Operation] = []
    if (task.record or task.at is not None) and int(os.environ.get("LOCAL_RANK", "0")) == task.process:
        watch = Watch(Path(place), None if task.at is None else Stop(task.at, task.by), operations.append)
        prerequisites._run = run  # in this process, so that it is watched too
        watch.install()
    if task.begun:
        Path(task.begun).touch()
    status = run(command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python ends, which is no part of the command
    if operations and task.record:
        with open(task.record, "wb") as file:
            pickle.dump(operations, file)
    sys.stdout.flush()
    return status


class _ClientInPlace(ForkClient):
    """Asks for copies that work in the folder of this process, as those of a sweep do in the folder of the sweep."""

    def __init__(self, client: ForkClient, place: str) -> None:
        self._client, self._place = client, place

    def start(self, module: str, arguments: Sequence[str], output: int, error: int, group: int = 0) -> Forked | None:
        assert module == "sdd.__main__", module
        return self._client.start(NAME, [self._place, Task().text(), *arguments], output, error, group)


def _copy_further_processes(client: ForkClient, place: str, task: Task, before: Mapping[str, str]) -> None:
    """Let Lightning copy the server, too, for further processes of a run, instead of importing everything in each.

    Args:
        client: Asks for the copies.
        place: Folder to work in.
        task: Of the first process.
        before: The variables that the server has.
    """
    from lightning.pytorch.strategies.launchers import subprocess_script

    def copy(command: Sequence[str], env: Mapping[str, str], cwd: str | None = None) -> _Copy:
        _, _, module, _, _, *arguments = command
        assert module == NAME, command
        variables = {name: value for name, value in env.items() if before.get(name) != value}
        told = Task(task.record, task.at, task.by, task.process, environment=variables)
        process = client.start(NAME, [place, told.text(), *arguments], 1, 2, os.getpgrp())
        assert process is not None
        return _Copy(process)

    subprocess_script.subprocess = SimpleNamespace(Popen=copy)  # type: ignore[assignment]


class _Copy:
    """What Lightning asks of a `subprocess.Popen`, of a copy."""

    def __init__(self, process: Forked) -> None:
        self._process, self.pid = process, process.pid

    def poll(self) -> int | None:
        return self._process.poll()

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        return self._process.wait(timeout)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
