"""`python -m tests.durability`: stop runs, cut the power, damage files, and count what is lost."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.durability.document import document, tables
from tests.durability.experiments import EXPERIMENTS
from tests.durability.injections import CUT, DAMAGE, SIGNAL, STOP, Row, parts
from tests.durability.workers import injected

_COUNTS = {
    STOP: ("stops", 100, "stops at file operations, of all experiments together"),
    SIGNAL: ("signals", 25, "SIGTERM and Ctrl-C at random moments"),
    CUT: ("cuts", 20, "power cuts after which a run goes on"),
    DAMAGE: ("damages", 84, "damaged files"),
}


def main(arguments: list[str]) -> int:
    """Inject, and print tables; returns 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.durability", description=__doc__)
    for name, default, text in _COUNTS.values():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{text} (default: {default})")
    parser.add_argument("--seed", type=int, default=0, help="other numbers stop elsewhere and damage otherwise")
    parser.add_argument("--experiments", nargs="+", choices=[*EXPERIMENTS], default=[*EXPERIMENTS], metavar="NAME")
    parser.add_argument("--workers", type=int, default=1, help="processes that share the work (default: 1)")
    parser.add_argument("--place", help="folder to work in; a file system in memory is fastest")
    parser.add_argument("--write", type=Path, help="file to write the tables to, such as docs/durability.md")
    chosen = parser.parse_args(arguments)
    counts = {sort: getattr(chosen, name) for sort, (name, _, _) in _COUNTS.items()}
    begin, rows = time.monotonic(), list[Row]()
    with tempfile.TemporaryDirectory(dir=chosen.place) as place:
        for done in injected(parts(chosen.experiments, counts, chosen.seed), chosen.workers, place):
            rows += done
            sys.stderr.write(f"{done[0].experiment if done else '(none)'}: {len(rows)} of {sum(counts.values())}\n")
    rows.sort(key=lambda row: (chosen.experiments.index(row.experiment), [*_COUNTS].index(row.sort)))
    sys.stdout.write(tables(rows))
    if chosen.write is not None:
        given = [f"--{name} {counts[sort]}" for sort, (name, _, _) in _COUNTS.items()]
        given += [f"--seed {chosen.seed}"] if chosen.seed else []
        given += [f"--experiments {' '.join(map(repr, chosen.experiments))}"] * (chosen.experiments != [*EXPERIMENTS])
        line = " ".join(["python -m tests.durability", *given])
        chosen.write.write_text(document(rows, line, chosen.workers, time.monotonic() - begin))
    return 1 if any(row.wrong for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
