"""Measures that follow from columns of `curve.csv`: made when runs are drawn, and stored nowhere."""

import math
from dataclasses import replace

from sdd.analysis.curve import Row
from sdd.analysis.reading import Run
from sdd.measures.columns import Column

GENERALIZATION_GAP = Column(
    "generalization_gap",
    "generalisation gap",
    "test error − training error, which is training accuracy − test accuracy",
    "fraction",
    "#56B4E9",
    better="lower",
    section="Curves",
    correlated=False,
)
"""He et al. (ICML 2022), figure 32; training accuracy is on the noisy labels."""

DERIVED = (GENERALIZATION_GAP,)


def with_derived(run: Run) -> Run:
    """Return a run whose rows have the derived measures too; a measure of one's own of the same name is kept."""
    name = GENERALIZATION_GAP.name
    if name in run.columns:
        return run
    rows = tuple(row | {name: _gap(row)} for row in run.rows)
    return replace(run, rows=rows, columns={**run.columns, name: GENERALIZATION_GAP})


def _gap(row: Row) -> float:
    return float(row.get("train_acc", math.nan)) - float(row.get("test_acc", math.nan))
