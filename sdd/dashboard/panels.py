"""What the dashboard shows, by name: columns of `curve.csv`, keys of `summary.json`, settings."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sdd.analysis.columns import correlated
from sdd.analysis.grouping import LABEL_ORDER
from sdd.analysis.phase_correlations import STRETCHES
from sdd.analysis.turning_point import DISTANCE
from sdd.measures.columns import Column
from sdd.measures.dynamics import BEST_TEST_ACC
from sdd.runs.settings import SEED

AXIS = "remaining_fraction"
"""What the measures of levels are drawn over, logarithmically; W&B's axes rise, so that dense is at the right."""

EPOCHS = "Epochs"
"""Section of the measures that `dynamics.levels` takes after the epochs of a level."""

EPOCH_AXIS = "trainer/global_step"
"""What they are drawn over: optimizer steps, so that the levels follow each other."""

PICTURE = "curve"
"""Name under which a run's `curve.png` is logged."""

VERDICTS = (
    "double_descent",
    "depth",
    "gain",
    "best_test_acc",
    "trough.sparsity",
    "trough.test_acc",
    "peak.sparsity",
    "peak.test_acc",
)
"""Keys of `summary.json` that describe the whole curve; a dot leads into a nested part."""

TURNING = ("turning_point.levels_from_trough", "turning_point.sparsity_from_trough")
"""Keys of `summary.json` that tell where the learning distance turns, against the trough of test accuracy."""

SETTINGS = (*LABEL_ORDER, SEED)
"""Settings in which the runs of a sweep mostly differ."""

NOISE_RATE = "data.noise_rate"

_LEADING = ("test_acc", "train_acc")
_SECTIONS = ("Curves", "Memorisation", "Distance", "Flatness")


def usual_columns() -> dict[str, Column]:
    """Return the columns that a run has or, with the flatness measures switched on, can have, by name."""
    from sdd.measures.built_in import ALWAYS, FLATNESS  # brings PyTorch with it

    return {column.name: column for column in (*ALWAYS, BEST_TEST_ACC, *FLATNESS)}


def epoch_columns() -> list[Column]:
    """Return what a run with `dynamics.levels` logs after its epochs, under the names of its metrics."""
    from sdd.measures.accuracy import TEST, TRAINING

    kept = sorted((*TEST, *TRAINING), key=lambda column: column.name not in _LEADING)
    return [replace(column, name=f"epochs/{column.name}") for column in kept]


def sections(columns: Iterable[Column]) -> dict[str, list[Column]]:
    """Return the columns that are drawn, all against what remains, by section: ours first, then others as they come."""
    found: dict[str, list[Column]] = {name: [] for name in _SECTIONS}
    for column in columns:
        if not column.detail:
            found.setdefault(column.section, []).append(column)
    found["Curves"].sort(key=lambda column: _LEADING.index(column.name) if column.name in _LEADING else len(_LEADING))
    return {name: drawn for name, drawn in found.items() if drawn}


def correlations(columns: Mapping[str, Column]) -> list[str]:
    """Return the keys of `summary.json` that hold rank correlations of test accuracy, and what tells of turning points.

    Within phases it is the learning distance whose correlations the paper's claim is about.
    """
    within = [f"phase_spearman.{DISTANCE}.{stretch}.rho" for stretch in STRETCHES]
    return [*(f"spearman.{name}.rho" for name in correlated(columns)), *within, *TURNING]
