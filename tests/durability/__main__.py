"""`python -m tests.durability`: stop runs at file operations, cut the power, damage files, and count what is lost."""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.durability.damage import KINDS, Damaged, every, files_of
from tests.durability.operations import STOPS
from tests.durability.power_cut import put, states
from tests.durability.runs import EXPERIMENTS, FOLDER, TINY, Runner, command, differences
from tests.durability.stops import Stopped, spread

Row = tuple[str, str, Sequence[str]]
"""What was injected into, what was injected, and what is wrong afterwards."""


def stops(runner: Runner, names: Sequence[str], count: int, start: int) -> Iterator[Row]:
    """Yield the outcome of so many stops, shared among experiments."""
    for place, name in enumerate(names):
        stopped = Stopped(runner, EXPERIMENTS[name])
        share = count * (place + 1) // len(names) - count * place // len(names)
        for stop in spread(stopped.operations, share, start):
            outcome = stopped.at(stop)
            told = f"{stop.by} at {outcome.operation.name} of {Path(outcome.operation.path).name}"
            yield f"stop: {name}", stop.by, [f"{told}: {wrong}" for wrong in outcome.wrong]


def cuts(runner: Runner, count: int, seed: int) -> Iterator[Row]:
    """Yield the outcome of so many power cuts."""
    if not count:
        return
    whole, operations = runner.undisturbed(TINY, "powered")
    for number, (done, files) in enumerate(states(operations, count, seed)):
        place = runner.start(TINY, f"cut {number}")
        put(files, whole, place)
        again = runner.run(command(TINY), place)
        wrong = [] if again.status == 0 else [f"after {done} operations: {again.said}"]
        yield "power cut: tiny", "cut", wrong + differences(whole, place)
        shutil.rmtree(place)


def damages(runner: Runner, names: Sequence[str], count: int, seed: int) -> Iterator[Row]:
    """Yield the outcome of so many damaged files, shared among experiments."""
    for place, name in enumerate(names):
        share = count * (place + 1) // len(names) - count * place // len(names)
        if not share:
            continue
        case = EXPERIMENTS[name]
        whole, _ = runner.undisturbed(case, f"{name} to damage")
        damaged = Damaged(runner, case, whole)
        for file, kind, number in every(files_of(whole / FOLDER), share, seed):
            found = damaged.with_damage(file, kind, number)
            yield f"damage: {name}", kind, [f"{kind} of {file}: {wrong}" for wrong in found.wrong]


def main(arguments: list[str]) -> int:
    """Inject, and print a table; returns 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.durability", description=__doc__)
    parser.add_argument("--stops", type=int, default=100, help="stops at file operations, of all experiments together")
    parser.add_argument("--cuts", type=int, default=20, help="power cuts after which a run goes on")
    parser.add_argument("--damages", type=int, default=84, help="damaged files")
    parser.add_argument("--seed", type=int, default=0, help="other numbers stop elsewhere and damage otherwise")
    parser.add_argument("--experiments", nargs="+", choices=[*EXPERIMENTS], default=[*EXPERIMENTS])
    parser.add_argument("--place", help="folder to work in; a file system in memory is fastest")
    chosen = parser.parse_args(arguments)
    injected, lost = Counter[tuple[str, str]](), Counter[str]()
    with tempfile.TemporaryDirectory(dir=chosen.place) as place:
        runner = Runner(Path(place))
        try:
            rows = [
                stops(runner, chosen.experiments, chosen.stops, chosen.seed),
                cuts(runner, chosen.cuts, chosen.seed),
                damages(runner, ["tiny", "dense_from", "spectrum"], chosen.damages, chosen.seed),
            ]
            for experiment, kind, wrong in (row for part in rows for row in part):
                injected[experiment, kind] += 1
                lost[experiment] += bool(wrong)
                for line in wrong:
                    sys.stderr.write(f"{experiment}: {line}\n")
        finally:
            runner.close()
    sys.stdout.write(table(injected, lost))
    return 1 if sum(lost.values()) else 0


def table(injected: Counter[tuple[str, str]], lost: Counter[str]) -> str:
    """Return what was injected, how often, and how often something was lost, in Markdown."""
    lines = ["| injected into | how often | something lost |", "|---|---|---|"]
    order = (*STOPS, "cut", *KINDS)
    for experiment in dict.fromkeys(name for name, _ in injected):
        counts = [f"{injected[experiment, kind]} {kind}" for kind in order if injected[experiment, kind]]
        lines.append(f"| {experiment} | {', '.join(counts)} | {lost[experiment]} |")
    lines.append(f"| all | {sum(injected.values())} | {sum(lost.values())} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
