"""Two numbers that every logger has of a run from its first level on, for searches: `best_test_acc` and `depth`.

With each level's row goes `best_test_acc` of that level: of its epochs where `dynamics.levels` measured them, else that
of its end; and `depth` of the curve so far, 0 where it shows none. The run's summary, after each level, has the best of
its levels and the same depth. So a search has an objective, and an early termination a history, whatever is measured.
"""

from collections.abc import Sequence

from sdd.analysis.curve import Row
from sdd.analysis.phases import phases_of
from sdd.analysis.summary import best_test_acc
from sdd.measures.dynamics import BEST_TEST_ACC

BEST = BEST_TEST_ACC.name
DEPTH = "depth"


def level_scalars(rows: Sequence[Row]) -> dict[str, float]:
    """Return what goes with the row of the last of some levels, fractions in [0, 1].

    Args:
        rows: Of the run so far, at least one; one without test accuracy has no best one.
    """
    return {**_best(rows[-1:]), DEPTH: phases_of(rows).depth or 0.0}


def run_scalars(rows: Sequence[Row]) -> dict[str, float]:
    """Return what the run's summary has once some levels are done, fractions in [0, 1].

    Args:
        rows: Of the run so far, at least one.
    """
    return {**_best(rows), DEPTH: phases_of(rows).depth or 0.0}


def _best(rows: Sequence[Row]) -> dict[str, float]:
    """Return the best test accuracy of some levels by its name; empty where it was not measured."""
    found = best_test_acc(rows)
    return {} if found is None else {BEST: found}
