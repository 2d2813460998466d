"""What is injected into which run, how often, and what is wrong afterwards."""

import random
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.durability.damage import Damaged, every, files_of, sort_of
from tests.durability.experiments import DDP, EXPERIMENTS, command
from tests.durability.power_cut import put, states
from tests.durability.runs import Runner, differences
from tests.durability.stops import SIGNALS, Stopped, last_line, spread
from tests.golden.cases import Case

STOP, SIGNAL, CUT, DAMAGE = "stop", "signal", "power cut", "damage"
SORTS = (STOP, SIGNAL, CUT, DAMAGE)
"""What is injected."""


@dataclass(frozen=True)
class Part:
    """Injections of one sort into one kind of run.

    Attributes:
        sort: One of `SORTS`.
        experiment: The run.
        count: How many.
        first: How many of this sort other runs have got before, so that not all get the same.
        seed: Of all that is drawn.
    """

    sort: str
    experiment: str
    count: int
    first: int
    seed: int


@dataclass(frozen=True)
class Row:
    """An injection and its outcome.

    Attributes:
        sort: One of `SORTS`.
        experiment: The run.
        kind: What exactly was injected.
        file: What sort of file was damaged; empty: none.
        wrong: What is not as it should be; empty: nothing was lost.
        seconds: Of CPU that it took.
    """

    sort: str
    experiment: str
    kind: str
    file: str
    wrong: Sequence[str]
    seconds: float


def parts(names: Sequence[str], counts: Mapping[str, int], seed: int) -> list[list[Part]]:
    """Share injections among runs.

    Args:
        names: The runs.
        counts: How many injections of each sort.
        seed: Of all that is drawn.

    Returns:
        For each run what it gets.
    """
    shared = []
    for place, name in enumerate(names):
        bounds = {sort: [count * part // len(names) for part in (place, place + 1)] for sort, count in counts.items()}
        shared.append([Part(sort, name, end - begin, begin, seed) for sort, (begin, end) in bounds.items()])
    return shared


def inject(runner: Runner, part: Part) -> Iterator[Row]:
    """Yield the outcome of each injection, and say at once what is wrong."""
    begin = runner.used()
    for kind, file, wrong in _SORTS[part.sort](runner, EXPERIMENTS[part.experiment], part):
        for line in wrong:
            sys.stderr.write(f"{part.sort}: {part.experiment}: {line}\n")
            sys.stderr.flush()
        yield Row(part.sort, part.experiment, kind, file, wrong, runner.used() - begin)
        begin = runner.used()


_Told = tuple[str, str, Sequence[str]]


def _stops(runner: Runner, case: Case, part: Part) -> Iterator[_Told]:
    if not part.count:
        return
    stopped = Stopped(runner, case)
    stops = spread(stopped.operations(), part.count, part.seed)
    if case is DDP:
        stops = [*stops[2:], *spread(stopped.operations(1), min(part.count, 2), part.seed, process=1)]
    for stop in stops:
        outcome = stopped.at(stop)
        yield outcome.by, "", [f"{outcome.by} at {outcome.where}: {wrong}" for wrong in outcome.wrong]


def _signals(runner: Runner, case: Case, part: Part) -> Iterator[_Told]:
    for number in range(part.first, part.first + part.count):
        draws = random.Random(f"{part.seed} {number}")
        outcome = Stopped(runner, case).sent(SIGNALS[number % len(SIGNALS)], draws)
        yield outcome.by, "", [f"{outcome.by} {outcome.where}: {wrong}" for wrong in outcome.wrong]


def _cuts(runner: Runner, case: Case, part: Part) -> Iterator[_Told]:
    if not part.count:
        return
    whole = runner.undisturbed(case)
    for number, (done, files) in enumerate(states(whole.operations, part.count, part.seed)):
        place = runner.start(case, f"{case.name} cut {number}")
        put(files, whole.folder, place)
        again = runner.run(command(case), place)
        wrong = [] if again.status == 0 else [f"it exits {again.status}: {last_line(again.said)}"]
        wrong += differences(whole.folder, place)
        shutil.rmtree(place)
        yield CUT, "", [f"after {done} operations: {told}" for told in wrong]


def _damages(runner: Runner, case: Case, part: Part) -> Iterator[_Told]:
    for stopped in (False, True) if part.count else ():
        damaged = Damaged(runner, case, stopped=stopped)
        chosen = every(files_of(damaged.place), part.count, part.first + part.seed)
        for number, (file, kind) in enumerate(chosen):
            if number % 2 == stopped:
                found = damaged.with_damage(file, kind, part.seed + part.first + number)
                state = "a stopped run" if stopped else "a finished run"
                yield kind, sort_of(file), [f"{kind} of {Path(file)} of {state}: {wrong}" for wrong in found.wrong]


_SORTS = {STOP: _stops, SIGNAL: _signals, CUT: _cuts, DAMAGE: _damages}
