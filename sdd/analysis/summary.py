"""Summary of a finished curve (verdict, phases, correlations), as a dictionary that JSON can hold."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sdd.analysis.columns import Columns, Rows, columns_of, correlated
from sdd.analysis.curve import column
from sdd.analysis.phase_correlations import phase_correlations
from sdd.analysis.phases import phases_of
from sdd.analysis.statistics import spearman
from sdd.analysis.turning_point import turning_point


def summarise(rows: Rows, columns: Columns | None = None) -> dict[str, Any]:
    """Return verdict, trough, peak, boundaries, correlations and turning point, every number finite or None.

    `spearman` is over all levels, `phase_spearman` within phases, as `phase_correlations` gives them, and
    `turning_point` is that of the learning distance.

    Args:
        rows: One a level.
        columns: What the run's folder holds of them; None: as the built-in measures declare them.
    """
    found = phases_of(rows)
    accuracy = column(rows, "test_acc")
    names = correlated(columns_of(rows, columns))
    turn = turning_point(rows, found)
    summary: dict[str, Any] = finite(
        {
            "double_descent": found.double_descent,
            "reason": found.reason,
            "depth": found.depth,
            "gain": found.gain,
            "recovery": found.recovery,
            "noise": found.noise,
            "depth_high": found.depth_high,
            "trough": _level(rows, found.trough),
            "peak": _level(rows, found.peak),
            "best_test_acc": best_test_acc(rows),
            "dense_test_acc": rows[0].get("test_acc") if rows else None,
            "final_test_acc": rows[-1].get("test_acc") if rows else None,
            "boundaries": asdict(found.boundaries) if found.boundaries else None,
            "spearman": {name: asdict(spearman(accuracy, column(rows, name))) for name in names},
            "phase_spearman": {
                name: {stretch: asdict(part) for stretch, part in parts.items()}
                for name, parts in phase_correlations(rows, found, names).items()
            },
            "turning_point": None if turn is None else asdict(turn),
        }
    )
    return summary


def best_test_acc(rows: Rows) -> float | None:
    """Return the best test accuracy of some levels; None where none was measured.

    Of a level it is that of its epochs, `best_test_acc`, where they were measured, else that of its end.

    Args:
        rows: One a level.
    """
    found = [float(row.get("best_test_acc", row.get("test_acc", math.nan))) for row in rows]
    return max((value for value in found if not math.isnan(value)), default=None)


def finite(value: Any) -> Any:
    """Replace NaN and infinity by None throughout, and tuples by lists: JSON has none of them."""
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _level(rows: Rows, index: int | None) -> dict[str, float | int | None] | None:
    if index is None:
        return None
    return {name: rows[index].get(name) for name in ("level", "sparsity", "test_acc", "memorized")}
