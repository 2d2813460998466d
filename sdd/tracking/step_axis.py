"""Remaining weights on a logarithmic axis, for loggers whose only axis is a whole number: the step.

TensorBoard and MLflow draw a metric over its step. The measures of a level are logged a second time, as
`over_remaining_fraction/NAME`, with a step that says what remains: each `STEPS_A_DECADE` steps leave a tenth, so that 0
is dense, 1000 is 10 % and 3301 is 0.05 %. Curves of runs with other fractions or sparsities lie on one axis so.
"""

from collections.abc import Mapping, Sequence

from sdd.analysis.curve import Row, column
from sdd.analysis.drawing import remaining_places

PREFIX = "over_remaining_fraction/"
STEPS_A_DECADE = 1000

_AXES = ("level", "sparsity", "remaining", "remaining_fraction", "seconds")


def step_of(rows: Sequence[Row]) -> int:
    """Return the step of the last of some levels: thousandths of the decades that its weights have shrunk by.

    A level with no weight remaining stands half a decade after the last that has some, as in `curve.png`.

    Args:
        rows: Of the run so far, at least one.
    """
    return round(STEPS_A_DECADE * float(remaining_places(column(rows, "remaining_fraction"))[-1]))


def over_remaining(row: Mapping[str, float | int]) -> dict[str, float]:
    """Return the measures of a level under the names that they have over this axis."""
    return {f"{PREFIX}{name}": float(value) for name, value in row.items() if name not in _AXES}
