"""What the dashboard shows, by name: columns of `curve.csv`, keys of `summary.json`, settings."""

from sdd.analysis.curve import FIRST_COLUMNS
from sdd.analysis.grouping import LABEL_ORDER
from sdd.runs.settings import SEED

AXIS = "sparsity"

# Measures of the flatness callback, which a run has where they are switched on.
FLATNESS = ("hessian_top", "hessian_trace", "sharpness")

_BY_SECTION = {
    "Memorisation": ("memorized", "recovered"),
    "Distance": ("distance", "distance_init"),
    "Flatness": FLATNESS,
}
_NO_MEASURE = ("level", AXIS, "remaining", "seconds")
_LEADING = ("test_acc", "train_acc")

_ELSEWHERE = {*_NO_MEASURE, *_LEADING, *(name for names in _BY_SECTION.values() for name in names)}

MEASURES: dict[str, tuple[str, ...]] = {
    "Curves": (*_LEADING, *(name for name in FIRST_COLUMNS if name not in _ELSEWHERE)),
    **_BY_SECTION,
}
"""The measures of each section, all against sparsity."""

PICTURE = "curve"
"""Under which a run's `curve.png` is logged."""

VERDICTS = ("double_descent", "depth", "gain", "trough.sparsity", "trough.test_acc", "peak.sparsity", "peak.test_acc")
"""What `summary.json` says of the curve as a whole; a dot goes into a nested part."""

CORRELATED = tuple(f"spearman.{name}.rho" for name in ("distance", *FLATNESS))
"""Rank correlations of test accuracy over levels, in `summary.json`."""

SETTINGS = (*LABEL_ORDER, SEED)
"""Settings in which the runs of a sweep mostly differ."""

NOISE_RATE = "data.noise_rate"
