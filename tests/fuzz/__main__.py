"""`python -m tests.fuzz`: try command lines that nobody should give, and print what became of them."""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.commands import ZERO, Ground, tries
from tests.fuzz.copies import all_imported
from tests.fuzz.outcomes import WELL, Outcome
from tests.fuzz.pairs import pairs
from tests.fuzz.settings import all_cases, outcomes, sample


def _tried(chosen: argparse.Namespace, place: Path) -> Iterator[Outcome]:
    cases = all_cases() if chosen.singles is None else sample(chosen.singles, chosen.seed)
    yield from outcomes([one for one in cases if one.name.startswith(chosen.only) and (one.typed or not chosen.typed)])
    if chosen.pairs or chosen.commands:
        ground = Ground(place)
        yield from outcomes(pairs(chosen.pairs, chosen.seed, str(place / ZERO)))
        yield from ground.outcomes(tries(chosen.commands, chosen.seed))


def main() -> int:
    """Try, and print; returns 1 where something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--singles", type=int, default=120, help="extreme values of single settings of fit")
    parser.add_argument("--all_singles", dest="singles", action="store_const", const=None, help="all of them")
    parser.add_argument("--pairs", type=int, default=120, help="pairs of settings of fit")
    parser.add_argument("--commands", type=int, default=160, help="commands on damaged files, and their options")
    parser.add_argument("--seed", type=int, default=0, help="which of them (default: 0)")
    parser.add_argument("--only", default="", help="of the single settings, those whose name starts so")
    parser.add_argument("--typed", action="store_true", help="of their values, those of a type that the setting has")
    parser.add_argument("--all", action="store_true", help="print what was said of each")
    chosen = parser.parse_args()
    ends: dict[str, Counter[str]] = {}
    started = time.monotonic()
    with all_imported(), tempfile.TemporaryDirectory(prefix="sdd-fuzz-") as place:
        for outcome in _tried(chosen, Path(place)):
            ends.setdefault(outcome.section, Counter())[outcome.end if outcome.well else "wrong"] += 1
            if chosen.all or not outcome.well:
                print(f"{outcome.end}: {outcome.line}  {outcome.said}", flush=True)
    columns = (*WELL, "wrong")
    print("| tried | command lines | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 2) + "|")
    for section, counts in [*sorted(ends.items()), ("all", sum(ends.values(), Counter()))]:
        cells = [section, sum(counts.values()), *(counts[column] for column in columns)]
        print("| " + " | ".join(map(str, cells)) + " |")
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if any(counts["wrong"] for counts in ends.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
