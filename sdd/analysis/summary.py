"""What a finished curve says, as a dictionary that JSON can hold."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sdd.analysis.curve import column, measure_columns
from sdd.analysis.phases import Phases, find_phases
from sdd.analysis.statistics import Correlation, spearman

Rows = Sequence[Mapping[str, float | int]]


def phases_of(rows: Rows) -> Phases:
    """Find the phases of a run's test accuracy."""
    return find_phases(column(rows, "sparsity"), column(rows, "test_acc"))


def correlations_of(rows: Rows) -> dict[str, Correlation]:
    """Correlate test accuracy by rank with the learning distance and every further measure, over all levels."""
    accuracy = column(rows, "test_acc")
    return {name: spearman(accuracy, column(rows, name)) for name in ("distance", *measure_columns(rows))}


def summarise(
    rows: Rows, phases: Phases | None = None, correlations: Mapping[str, Correlation] | None = None
) -> dict[str, Any]:
    """Return verdict, trough, peak, boundaries and correlations, every number finite or None.

    Args:
        rows: One a level.
        phases: Those of `rows`, where they are at hand; else `phases_of` finds them.
        correlations: Likewise, of `correlations_of`.
    """
    found = phases_of(rows) if phases is None else phases
    by_name = correlations_of(rows) if correlations is None else correlations
    summary = {
        "double_descent": found.double_descent,
        "reason": found.reason,
        "depth": found.depth,
        "gain": found.gain,
        "recovery": found.recovery,
        "margin": found.margin,
        "noise": found.noise,
        "trough": _level(rows, found.trough),
        "peak": _level(rows, found.peak),
        "dense_test_acc": rows[0].get("test_acc") if rows else None,
        "final_test_acc": rows[-1].get("test_acc") if rows else None,
        "boundaries": asdict(found.boundaries) if found.boundaries else None,
        "spearman": {name: asdict(correlation) for name, correlation in by_name.items()},
    }
    finite: dict[str, Any] = _finite(summary)
    return finite


def _level(rows: Rows, index: int | None) -> dict[str, float | int | None] | None:
    if index is None:
        return None
    return {name: rows[index].get(name) for name in ("level", "sparsity", "test_acc", "memorized")}


def _finite(value: Any) -> Any:
    """Replace NaN and infinity by None throughout: JSON has neither."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
