"""Rank correlations of measures with test accuracy within the phases of a curve."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sdd.analysis.correlation import pool_correlations
from sdd.analysis.curve import column
from sdd.analysis.phases import Phases
from sdd.analysis.reading import Run
from sdd.analysis.statistics import Correlation, spearman

STRETCHES = {"dense_to_trough": "dense to trough", "trough_to_peak": "trough to peak"}
"""Stretches of levels of a curve that falls and climbs, in words; each has both of its ends."""


def phase_correlations(
    rows: Sequence[Mapping[str, float | int]], phases: Phases, names: Sequence[str]
) -> dict[str, dict[str, Correlation]]:
    """Correlate test accuracy with measures from the dense level to the trough, and from there to the peak.

    A correlation over all levels asks whether a measure ranks levels as test accuracy does, whatever their phase;
    within a phase it asks whether the measure moves along with accuracy while that falls, or climbs. Trough and peak
    are chosen so that accuracy mostly falls before the one and climbs up to the other; so within a phase any measure
    that rises or falls steadily with sparsity has a correlation near ±1, and it is the change of the measure's
    direction at the trough that tells more: `turning_point`.

    Args:
        rows: One a level.
        phases: Of their test accuracy.
        names: Measures.

    Returns:
        By measure and stretch; no stretch where no trough and peak were found.
    """
    if phases.trough is None or phases.peak is None:
        return {name: {} for name in names}
    ends = {"dense_to_trough": (0, phases.trough), "trough_to_peak": (phases.trough, phases.peak)}
    return {
        name: {
            stretch: spearman(column(rows[first : last + 1], "test_acc"), column(rows[first : last + 1], name))
            for stretch, (first, last) in ends.items()
        }
        for name in names
    }


def pooled_phase_correlations(
    runs: Sequence[Run], phases: Sequence[Phases], names: Sequence[str], *, confidence: float = 0.95
) -> dict[str, dict[str, Any]]:
    """Combine the correlations within phases of several seeds, each within the phases of its own curve.

    Args:
        runs: Of a group.
        phases: Of each of them.
        names: Measures.
        confidence: Of the intervals, in (0, 1).

    Returns:
        By measure and stretch: `per_seed`, the correlation of each run in which trough and peak were found, and
        `pooled`, as `pool_correlations` gives it; no stretch where no run has any.
    """
    each = [(run, phase_correlations(run.rows, own, names)) for run, own in zip(runs, phases, strict=True)]
    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    for name in names:
        for stretch in STRETCHES:
            parts = [(run, by_name[name][stretch]) for run, by_name in each if stretch in by_name[name]]
            if parts:
                found[name][stretch] = {
                    "per_seed": [{"name": run.name, "seed": run.seed} | asdict(part) for run, part in parts],
                    "pooled": asdict(pool_correlations([part for _, part in parts], confidence=confidence)),
                }
    return found
