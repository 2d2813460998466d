"""Runs that are stopped, started again, and compared with the undisturbed run."""

import random
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.durability.experiments import DDP, FOLDER, READ, command
from tests.durability.operations import KILL, STOPS, Operation, Stop
from tests.durability.runs import End, Runner, Signal, differences
from tests.golden.cases import Case

KILLED, FAILED, NOT_TRAINED, INTERRUPTED = -signal.SIGKILL, 1, 2, 130
"""Exit status of a process that is killed, of one that cannot write, where that was a run that it builds on, and of one
that was interrupted."""

TERM, CTRL_C, TERM_TWICE, CTRL_C_TWICE, TERM_ALL = (
    "SIGTERM",
    "Ctrl-C",
    "SIGTERM twice",
    "Ctrl-C twice",
    "SIGTERM to all",
)
SIGNALS = (TERM, CTRL_C, TERM_TWICE, CTRL_C_TWICE, TERM_ALL)
"""What is sent at a random moment, as by `kill`, a terminal, an impatient user, and a cluster."""

_LINE = "sdd: interrupted; the same command goes on from the last checkpoint"
_SOON = 0.3
"""Within so many seconds the second signal comes."""

READINGS = (["analyze", FOLDER, "--out", "analysis"], ["report", FOLDER, "--out", "report.html"])
"""What reads a run's folder."""


@dataclass(frozen=True)
class Outcome:
    """What a stop did.

    Attributes:
        by: What stopped the run.
        where: In words.
        wrong: What is not as it should be, in words; empty: nothing is lost.
    """

    by: str
    where: str
    wrong: tuple[str, ...]


class Stopped:
    """An experiment that is stopped again and again.

    Args:
        runner: What runs it.
        case: The experiment.
    """

    def __init__(self, runner: Runner, case: Case) -> None:
        self._runner, self.case = runner, case
        self.reference = runner.undisturbed(case).folder
        self.seconds = runner.undisturbed(case).seconds

    def operations(self, process: int = 0) -> list[Operation]:
        """Return the file operations of one of the processes of the undisturbed run."""
        return self._runner.undisturbed(self.case, process).operations

    def at(self, stop: Stop) -> Outcome:
        """Stop it once at a file operation, give the command again, and compare."""
        operation = self.operations(stop.process)[stop.at]
        folder = self._runner.start(self.case, f"{self.case.name} stopped")
        end = self._runner.run(command(self.case), folder, stop)
        wrong = [*self._ended(end, stop.by), *self._goes_on(folder)]
        return Outcome(stop.by, f"{operation.name} of {operation.path} in process {stop.process}", tuple(wrong))

    def sent(self, by: str, draws: random.Random) -> Outcome:
        """Send it signals at a random moment, give the command again, and compare."""
        while True:
            signals = _drawn(by, self.seconds, draws)
            folder = self._runner.start(self.case, f"{self.case.name} stopped")
            end = self._runner.run(command(self.case), folder, signals=signals)
            if end.sent == 0:  # it has ended before
                shutil.rmtree(folder)
                continue
            finished = [f"it exits 0, but {found}" for found in differences(self.reference, folder) if end.status == 0]
            wrong = [*_interrupted(end, signals), *finished, *self._goes_on(folder)]
            moments = ", ".join(f"{item.after:.3f}" for item in signals)
            return Outcome(by, f"after {moments} of {self.seconds:.1f} seconds", tuple(wrong))

    def _ended(self, end: End, by: str) -> Iterator[str]:
        """What is wrong with how a run has ended that was stopped at a file operation.

        Of two processes, Lightning kills the first where the other fails.
        """
        if end.timed_out:
            yield "it hangs"
        elif by == KILL:
            if end.status != KILLED and self.case is not DDP:
                yield f"it was to be killed, but exits {end.status}: {last_line(end.said)}"
        elif "Traceback" in end.said:
            yield f"a traceback: {last_line(end.said)}"
        elif end.status not in {0, FAILED, NOT_TRAINED, *([KILLED] if self.case is DDP else [])}:
            yield f"it exits {end.status}: {last_line(end.said)}"

    def _goes_on(self, folder: Path) -> Iterator[str]:
        """What is wrong after the command has been given again; the folder is removed then."""
        if self.case is READ:
            yield from (f"stopped, {told}" for told in self._read(folder, None))
        again = self._runner.run(command(self.case), folder)
        if again.status != 0 or again.left or again.timed_out:
            yield f"the command given again exits {again.status}: {last_line(again.said)}"
        yield from differences(self.reference, folder)
        if self.case is READ:
            yield from (f"gone on with, {told}" for told in self._read(folder, self.reference))
        shutil.rmtree(folder)

    def _read(self, folder: Path, like: Path | None) -> Iterator[str]:
        """What is wrong with what other commands say of the run, beside what they say of another folder's."""
        for arguments in READINGS:
            end = self._runner.run(arguments, folder)
            if "Traceback" in end.said or end.timed_out or end.status not in {0, 1, 2}:
                yield f"{arguments[0]} exits {end.status}: {last_line(end.said)}"
            elif like is not None and end != self._runner.once(arguments, like):
                yield f"{arguments[0]} says otherwise: {last_line(end.said)}"


def _drawn(by: str, seconds: float, draws: random.Random) -> list[Signal]:
    number = signal.SIGINT if by in {CTRL_C, CTRL_C_TWICE} else signal.SIGTERM
    to_all = by in {CTRL_C, CTRL_C_TWICE, TERM_ALL}
    first = Signal(number, draws.uniform(0, seconds), to_all)
    twice = by in {TERM_TWICE, CTRL_C_TWICE}
    return [first, Signal(number, draws.uniform(0, _SOON), to_all)] if twice else [first]


def _interrupted(end: End, signals: Sequence[Signal]) -> Iterator[str]:
    """What is wrong with the end of a run that was interrupted: it says a line, or SIGTERM ends it before it trains."""
    number = signals[0].number
    if end.timed_out:
        yield "it hangs"
    elif "Traceback" in end.said or "Exception ignored" in end.said:
        yield f"a traceback: {last_line(end.said)}"
    elif end.status == INTERRUPTED:
        if last_line(end.said) != _LINE:
            yield f"it does not say that it was interrupted: {last_line(end.said)}"
    elif end.status != 0 and (number, end.status) != (signal.SIGTERM, -signal.SIGTERM):
        yield f"it exits {end.status}: {last_line(end.said)}"
    if end.left:
        yield "it leaves a process behind"


def spread(operations: Sequence[Operation], count: int, start: int = 0, process: int = 0) -> list[Stop]:
    """Return stops that are spread evenly over the operations of a run, each kind of stop in turn.

    Args:
        operations: Of the undisturbed run.
        count: How many stops; as many as there are operations and kinds, at most.
        start: Of which the first is taken, so that further calls take others.
        process: Which of the processes of the run has these operations.
    """
    count = min(count, len(STOPS) * len(operations))
    return [
        Stop((place * len(operations) // count + start) % len(operations), STOPS[(place + start) % len(STOPS)], process)
        for place in range(count)
    ]


def last_line(said: str) -> str:
    """Return the last line that is not empty."""
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "(nothing)"
