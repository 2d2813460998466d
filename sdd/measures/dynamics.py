"""Training dynamics: what a level's network does after each of its epochs, and where it did best."""

from collections.abc import Mapping, Sequence
from functools import partial

from sdd.measures.columns import Column

_best = partial(Column, section="Curves", correlated=False)

BEST_TEST_ACC = _best(
    "best_test_acc",
    "best test accuracy of an epoch",
    "highest test accuracy at the end of any epoch of the level, which stopping early on a clean set would reach",
    "fraction",
    "#56B4E9",
    better="higher",
)
BEST_EPOCH = _best(
    "best_epoch",
    "epoch of the best test accuracy",
    "first epoch of the level, counted from 0, at whose end it was reached",
    detail=True,
)

COST = "evaluation of training and test part at each epoch measured, of `dynamics.examples` each (default: all)"
"""Cost of measuring the dynamics of a level."""


def best_epoch(rows: Sequence[Mapping[str, float | int]]) -> dict[str, float | int]:
    """Return the highest test accuracy of a level's epochs, `best_test_acc`, and the first epoch that has it.

    Args:
        rows: One a measured epoch, in order, each with `epoch` and `test_acc` in [0, 1]; at least one.
    """
    best = max(rows, key=lambda row: row["test_acc"])
    return {BEST_TEST_ACC.name: best["test_acc"], BEST_EPOCH.name: best["epoch"]}
