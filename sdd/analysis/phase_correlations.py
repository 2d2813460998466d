"""Rank correlations of measures with test accuracy within the phases of a curve."""

from collections.abc import Mapping, Sequence

from sdd.analysis.curve import column
from sdd.analysis.phases import Phases
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
