"""Runs that are stopped at one of their file operations, started again, and compared with the undisturbed run."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.durability.operations import KILL, STOPS, Operation, Stop
from tests.durability.runs import Runner, command, differences
from tests.golden.cases import Case

KILLED, FAILED, NOT_TRAINED = -9, 1, 2
"""Exit status of a process that is killed, of one that cannot write, and where that was a run that it builds on."""


@dataclass(frozen=True)
class Outcome:
    """What a stop did.

    Attributes:
        experiment: Its name.
        stop: Where and how.
        operation: What the process was about to do.
        wrong: What is not as it should be, in words; empty: nothing is lost.
    """

    experiment: str
    stop: Stop
    operation: Operation
    wrong: tuple[str, ...]


class Stopped:
    """An experiment that is stopped again and again.

    Args:
        runner: What runs it.
        case: The experiment.
    """

    def __init__(self, runner: Runner, case: Case) -> None:
        self._runner, self._case = runner, case
        self.reference, self.operations = runner.undisturbed(case, f"{case.name} undisturbed")

    def at(self, stop: Stop) -> Outcome:
        """Stop it once, give the command again, and compare."""
        folder = self._runner.start(self._case, f"{self._case.name} stopped")
        operation = self.operations[stop.at]
        wrong = list(self._stopped(stop, operation, folder))
        again = self._runner.run(command(self._case), folder)
        if again.status != 0:
            wrong.append(f"the command given again exits {again.status}: {_last(again.said)}")
        wrong += differences(self.reference, folder)
        shutil.rmtree(folder)
        return Outcome(self._case.name, stop, operation, tuple(wrong))

    def _stopped(self, stop: Stop, operation: Operation, folder: Path) -> Iterator[str]:
        end = self._runner.run(command(self._case), folder, stop)
        if stop.by == KILL:
            if end.status != KILLED:
                yield f"it was to be killed, but exits {end.status}: {_last(end.said)}"
        elif "Traceback" in end.said:
            yield f"a traceback: {_last(end.said)}"
        elif end.status not in {0, FAILED, NOT_TRAINED}:
            yield f"it exits {end.status}: {_last(end.said)}"


def spread(operations: Sequence[Operation], count: int, start: int = 0) -> list[Stop]:
    """Return stops that are spread evenly over the operations of a run, each kind of stop in turn.

    Args:
        operations: Of the undisturbed run.
        count: How many stops; as many as there are operations and kinds, at most.
        start: Of which the first is taken, so that further calls take others.
    """
    count = min(count, len(STOPS) * len(operations))
    return [
        Stop((place * len(operations) // count + start) % len(operations), STOPS[(place + start) % len(STOPS)])
        for place in range(count)
    ]


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "(nothing)"
