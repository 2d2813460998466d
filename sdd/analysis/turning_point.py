"""Where the learning distance turns, against where test accuracy does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sdd.analysis.curve import column
from sdd.analysis.phases import Phases

DISTANCE = "distance"
"""The measure that the paper says turns where test accuracy does (He et al. 2022)."""


@dataclass(frozen=True)
class TurningPoint:
    """The level at which the learning distance is largest.

    Attributes:
        level: Its number; of equals the first.
        sparsity: Fraction of weights removed there.
        turns: Whether it lies inside the curve; at the first or the last level the distance only falls or climbs.
        value: The distance there, in the units of the weights.
        rise: How far it lies above the dense level's.
        decline: How far the lowest of the later levels lies below it.
        levels_from_trough: Levels from the trough of test accuracy to it, negative before the trough; None where there
            is no trough or the distance does not turn.
        sparsity_from_trough: Its sparsity minus the trough's, a fraction; likewise.
    """

    level: int
    sparsity: float
    turns: bool
    value: float
    rise: float
    decline: float
    levels_from_trough: int | None
    sparsity_from_trough: float | None


def turning_point(rows: Sequence[Mapping[str, float | int]], phases: Phases) -> TurningPoint | None:
    """Find the turning point of a curve's learning distance; None where it was not measured from the dense level on.

    Args:
        rows: One a level.
        phases: Of their test accuracy.
    """
    values = np.array(column(rows, DISTANCE))
    measured = np.flatnonzero(np.isfinite(values))
    if not measured.size or measured[0] > 0:
        return None
    top = int(measured[values[measured].argmax()])
    turns = bool(measured[0] < top < measured[-1])
    trough = rows[phases.trough] if turns and phases.trough is not None else None
    later = values[measured[measured > top]]
    return TurningPoint(
        level=int(rows[top]["level"]),
        sparsity=float(rows[top]["sparsity"]),
        turns=turns,
        value=float(values[top]),
        rise=float(values[top] - values[0]),
        decline=float(values[top] - later.min()) if later.size else 0.0,
        levels_from_trough=None if trough is None else int(rows[top]["level"] - trough["level"]),
        sparsity_from_trough=None if trough is None else float(rows[top]["sparsity"] - trough["sparsity"]),
    )
