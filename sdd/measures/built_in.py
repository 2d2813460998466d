"""The columns of all built-in measures."""

from sdd.measures.accuracy import TEST, TRAINING, VALIDATION
from sdd.measures.activation import ACTIVATION_ENTROPY
from sdd.measures.calibration import CALIBRATION
from sdd.measures.columns import LEVEL, REMAINING, REMAINING_FRACTION, SECONDS, SPARSITY, Column
from sdd.measures.distance import DISTANCES
from sdd.measures.dynamics import BEST_EPOCH, BEST_TEST_ACC
from sdd.measures.hessian import TOP, TRACE
from sdd.measures.sharpness import SHARPNESS
from sdd.measures.spectrum import EFFECTIVE_DIMENSION

ALWAYS = (LEVEL, SPARSITY, REMAINING, REMAINING_FRACTION, *TRAINING, *TEST, *DISTANCES, SECONDS)
"""Columns that every run has, in their order in `curve.csv`."""

DYNAMICS = (BEST_TEST_ACC, BEST_EPOCH)
FLATNESS = (*TOP, *TRACE, SHARPNESS, *EFFECTIVE_DIMENSION)

COLUMNS: dict[str, Column] = {
    column.name: column for column in (*ALWAYS, *VALIDATION, *DYNAMICS, *FLATNESS, *CALIBRATION, ACTIVATION_ENTROPY)
}
"""All built-in columns, by name."""
