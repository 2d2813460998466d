"""`python -m tests.fuzz`: try extreme values of settings, and print what became of them."""

import argparse
from collections import Counter

from tests.fuzz.copies import all_imported
from tests.fuzz.settings import Outcome, all_cases, outcomes, sample


def main() -> int:
    """Try, and print; returns 1 where something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, help="how many (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="which (default: 0)")
    parser.add_argument("--only", default="", help="settings whose name starts so")
    parser.add_argument("--typed", action="store_true", help="only values of a type that the setting has")
    parser.add_argument("--all", action="store_true", help="print what was said of each")
    chosen = parser.parse_args()
    cases = all_cases() if chosen.cases is None else sample(chosen.cases, chosen.seed)
    ends: dict[str, Counter[str]] = {}
    wrong: list[Outcome] = []
    cases = [case for case in cases if case.name.startswith(chosen.only) and (case.typed or not chosen.typed)]
    with all_imported():
        for outcome in outcomes(cases):
            section = outcome.case.name.partition(".")[0]
            ends.setdefault(section, Counter())[outcome.end if outcome.well else "wrong"] += 1
            if chosen.all or not outcome.well:
                print(f"{outcome.end}: {outcome.case}  {outcome.said}", flush=True)
            if not outcome.well:
                wrong.append(outcome)
    columns = ("tried", "trained", "stopped", "refused", "wrong")
    print(f"{'section':<18}{'values':>8}" + "".join(f"{column:>9}" for column in columns))
    for section, counts in [*sorted(ends.items()), ("all", sum(ends.values(), Counter()))]:
        print(f"{section:<18}{sum(counts.values()):>8}" + "".join(f"{counts[column]:>9}" for column in columns))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
