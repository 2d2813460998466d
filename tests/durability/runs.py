"""Runs in processes of their own, their folders before and after, and how two of them differ."""

import os
import pickle
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sdd.errors import UserError
from sdd.files import PART, damage
from sdd.processes import ForkServer, Process
from sdd.runs.checkpoint_file import damage_of
from sdd.runs.level_file import read_level
from sdd.sweep.fit_servers import IMPORTED
from tests.durability import child
from tests.durability.experiments import UNTRIED, command, write_inputs
from tests.durability.operations import KILL, Operation, Stop
from tests.golden.cases import Case
from tests.small import PROJECT, curve_without_seconds

_LONGEST = 120.0
"""Seconds that a command may take before it counts as hanging."""

_GRACE = 10.0
"""Seconds that further processes of a command may take after its end."""

NOT_COMPARED = {"environment.json", "curve.png", ".lock", "checksums.json"}


@dataclass(frozen=True)
class End:
    """How a command has ended.

    Attributes:
        status: Its exit status.
        said: What it has printed.
        sent: How many signals it was sent before its end.
        left: Whether it has left processes running.
        timed_out: Whether it was ended since it hung.
    """

    status: int
    said: str
    sent: int = 0
    left: bool = False
    timed_out: bool = False


@dataclass(frozen=True)
class Signal:
    """A signal to a run.

    Attributes:
        number: SIGTERM, or SIGINT as by Ctrl-C.
        after: Seconds since the command has begun, or since the signal before.
        to_all: Whether all processes of the run get it, as from a terminal, or the first one.
    """

    number: signal.Signals
    after: float
    to_all: bool


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing has stopped.

    Attributes:
        folder: In which it was run.
        operations: Of one of its processes, in turn.
        seconds: How long it took.
    """

    folder: Path
    operations: list[Operation]
    seconds: float


class Runner:
    """Runs experiments in copies of a process that has imported everything.

    Args:
        place: Folder for all that is written.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        paths = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        self._server = ForkServer([*IMPORTED, child.NAME], PROJECT, environment)
        client = self._server.client()
        assert client is not None, "the imports have failed"
        self._client = client
        self._undisturbed: dict[str, Undisturbed] = {}
        self._said: dict[tuple[Path | str, ...], End] = {}

    def close(self) -> None:
        """End the process that is copied."""
        self._server.close()

    def used(self) -> float:
        """Return the seconds of CPU that all processes have taken that have ended by now."""
        after_name = Path(f"/proc/{self._server._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, after_name[13:15])) / os.sysconf("SC_CLK_TCK")

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        stop: Stop | None = None,
        record: Path | None = None,
        signals: Sequence[Signal] = (),
        process: int = 0,
    ) -> End:
        """Run a command in a folder, to its end or to where it is stopped; all of its processes end with it.

        Args:
            arguments: The command line.
            folder: To run it in.
            stop: Where it is stopped.
            record: File that its operations are recorded in.
            signals: What it is sent, in turn.
            process: Which of the processes of a run is recorded.
        """
        said, begun = self.place / "said.txt", self.place / "begun"
        begun.unlink(missing_ok=True)
        told = None if record is None else str(record)
        task = child.Task(told, process=process, begun=str(begun))
        if stop is not None:
            task = replace(task, at=stop.at, by=stop.by, process=stop.process)
        with said.open("wb") as output:
            out = output.fileno()
            started = self._client.start(child.NAME, [str(folder), task.text(), *arguments], out, out)
            assert started is not None
            sent = _sent(started, begun, signals)
            try:
                status = started.wait(_LONGEST)
                timed_out = False
            except subprocess.TimeoutExpired:
                timed_out = True
                os.killpg(started.pid, signal.SIGKILL)
                status = started.wait()
            left = _end_group(started.pid, 0 if stop is not None or timed_out else _GRACE)
        return End(status, said.read_text(errors="replace"), sent, left, timed_out)

    def once(self, arguments: Sequence[str], folder: Path) -> End:
        """Run a command that only reads, once for each folder."""
        key = (folder, *arguments)
        if key not in self._said:
            self._said[key] = self.run(arguments, folder)
        return self._said[key]

    def start(self, case: Case, name: str) -> Path:
        """Make the folder that an experiment is run in, with what it builds on."""
        ready = self.place / "ready" / case.name
        if not ready.is_dir():
            ready.mkdir(parents=True)
            write_inputs(case, ready)
            if case.first is not None:
                arguments, folder = case.first
                end = self.run([*arguments, *UNTRIED, "--run_dir", folder], ready)
                assert end.status == 0, end.said
        shutil.copytree(ready, self.place / name)
        return self.place / name

    def undisturbed(self, case: Case, process: int = 0) -> "Undisturbed":
        """Run an experiment to its end, once for each of its processes, whose operations are recorded."""
        name = f"{case.name} undisturbed{f' {process}' if process else ''}"
        if name not in self._undisturbed:
            folder, record = self.start(case, name), self.place / f"{name}.operations"
            begin = time.monotonic()
            end = self.run(command(case), folder, record=record, process=process)
            seconds = time.monotonic() - begin
            assert end.status == 0, end.said
            self._undisturbed[name] = Undisturbed(folder, pickle.loads(record.read_bytes()), seconds)
        return self._undisturbed[name]

    def stopped(self, case: Case) -> Path:
        """Return a folder in which an experiment was killed after about two thirds, made once."""
        name = f"{case.name} killed"
        if not (self.place / name).is_dir():
            operations = self.undisturbed(case).operations
            self.run(command(case), self.start(case, name), Stop(2 * len(operations) // 3, KILL))
        return self.place / name


def _sent(process: Process, begun: Path, signals: Sequence[Signal]) -> int:
    """Send signals to a process, from when its command has begun; returns how many it was there for."""
    if not signals:
        return 0
    while not begun.exists() and process.poll() is None:
        time.sleep(0.001)
    for number, item in enumerate(signals):
        try:
            process.wait(item.after)
        except subprocess.TimeoutExpired:
            (os.killpg if item.to_all else os.kill)(process.pid, item.number)
        else:
            return number
    return len(signals)


def _end_group(group: int, seconds: float) -> bool:
    """End what is left of a group of processes; returns whether anything was, after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        try:
            os.killpg(group, 0 if time.monotonic() < end else signal.SIGKILL)
        except ProcessLookupError:
            return False
        if time.monotonic() >= end:
            return True
        time.sleep(0.005)


def differences(reference: Path, found: Path) -> list[str]:
    """Return in what the runs in a folder are not those of another, in words; empty where they are the same.

    Tables are compared bit for bit but for seconds, levels by their tensors; of pictures and checkpoints, whether they
    are there and whole. Nothing may be left over, but for an older checkpoint.
    """
    told = []
    names = {_name(path, reference) for path in _files(reference)} | {_name(path, found) for path in _files(found)}
    for name in sorted(names):
        here, there = found / name, reference / name
        if name.endswith(PART) or name.startswith("tmp/"):
            told.append(f"left over: {name}")
        elif "/checkpoints/" in name and not there.is_file():
            continue
        elif not here.is_file() or not there.is_file():
            told.append(f"{'missing' if there.is_file() else 'too many'}: {name}")
        else:
            try:
                same = _same(there, here)
            except UserError:  # it is damaged
                same = False
            told += [] if same else [f"other content: {name}"]
    return told


def _files(folder: Path) -> list[Path]:
    return [path for part in ("runs", "tmp") for path in (folder / part).rglob("*") if path.is_file()]


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder))


def _same(one: Path, other: Path) -> bool:
    if damage(other):
        return False
    if one.name in NOT_COMPARED:
        return True
    if one.name == "curve.csv":
        return curve_without_seconds(one.parent) == curve_without_seconds(other.parent)
    if one.parent.name == "levels":
        first, second = read_level(one), read_level(other)
        return all(
            a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
            for a, b in zip(first, second, strict=True)
        )
    if one.suffix == ".ckpt":
        return damage_of(other) is None
    return one.read_bytes() == other.read_bytes()
