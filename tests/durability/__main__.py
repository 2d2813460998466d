"""`python -m tests.durability`: stop runs, cut the power, damage files, and count what is lost."""

import argparse
import shlex
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.durability.document import document, sections_after, tables
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
    rows = list[Row]()
    others = sections_after(chosen.write.read_text()) if chosen.write is not None and chosen.write.is_file() else ""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(dir=chosen.place) as place:
        for done in injected(parts(chosen.experiments, counts, chosen.seed), chosen.workers, place):
            rows += done
            rows.sort(key=lambda row: (chosen.experiments.index(row.experiment), [*_COUNTS].index(row.sort)))
            sys.stderr.write(f"{len(rows)} of {sum(counts.values())} done\n")
            if chosen.write is not None:  # as far as it has come, in case that it is ended
                page = document(rows, _line(chosen, counts), chosen.workers, time.monotonic() - begin)
                chosen.write.write_text(page + others)
    sys.stdout.write(tables(rows))
    return 1 if any(row.wrong for row in rows) else 0


def _line(chosen: argparse.Namespace, counts: Mapping[str, int]) -> str:
    """Return the command that injects the same."""
    given = [f"--{name} {counts[sort]}" for sort, (name, _, _) in _COUNTS.items()]
    given += [f"--seed {chosen.seed}"] if chosen.seed else []
    if chosen.experiments != [*EXPERIMENTS]:
        given.append(f"--experiments {' '.join(map(shlex.quote, chosen.experiments))}")
    return " ".join(["python -m tests.durability", *given])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
