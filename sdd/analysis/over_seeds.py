"""What single curves say of their measures, combined over the seeds of a group."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sdd.analysis.correlation import pool_correlations, t_interval
from sdd.analysis.phase_correlations import STRETCHES
from sdd.analysis.reading import Run
from sdd.analysis.statistics import Correlation

_TURNING = ("level", "sparsity", "value", "rise", "decline", "levels_from_trough", "sparsity_from_trough")


def pooled_phase_correlations(
    runs: Sequence[Run], names: Sequence[str], *, confidence: float = 0.95
) -> dict[str, dict[str, Any]]:
    """Combine the correlations within phases of several seeds, each within the phases of its own curve.

    Args:
        runs: Of a group.
        names: Measures.
        confidence: Of the intervals, in (0, 1).

    Returns:
        By measure and stretch: `per_seed`, the correlation of each run in which trough and peak were found, and
        `pooled`, as `pool_correlations` gives it; no stretch where no run has any.
    """
    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    for name in names:
        for stretch in STRETCHES:
            parts = [(run, run.summary["phase_spearman"].get(name, {}).get(stretch)) for run in runs]
            held = [(run, part) for run, part in parts if part is not None]
            if held:
                each = [Correlation(math.nan if part["rho"] is None else part["rho"], part["n"]) for _, part in held]
                found[name][stretch] = {
                    "per_seed": [{"name": run.name, "seed": run.seed} | part for run, part in held],
                    "pooled": asdict(pool_correlations(each, confidence=confidence)),
                }
    return found


def pooled_turning_points(runs: Sequence[Run], *, confidence: float = 0.95) -> dict[str, Any]:
    """Combine the turning points of several seeds.

    Args:
        runs: Of a group.
        confidence: Of the intervals, in (0, 1).

    Returns:
        `per_seed`, of each run that measured the distance; `turning`, how many of them turn; and the means over those
        with Student's t intervals over seeds: of `level`, `sparsity`, `value`, `rise` and `decline` over all that turn,
        of `levels_from_trough` and `sparsity_from_trough` over those that have a trough too.
    """
    found = [(run, run.summary["turning_point"]) for run in runs if run.summary["turning_point"] is not None]
    turning = [point for _, point in found if point["turns"]]
    means: dict[str, Any] = {}
    for name in _TURNING:
        values = [point[name] for point in turning if point[name] is not None]
        means[name] = asdict(t_interval(values, confidence)) | {"seeds": len(values)}
    return {
        "per_seed": [{"name": run.name, "seed": run.seed} | point for run, point in found],
        "turning": len(turning),
        "confidence": confidence,
    } | means
