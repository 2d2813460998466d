"""Descriptions of the columns of `curve.csv` for the page, and which of them it shows."""

from collections.abc import Mapping

from sdd.analysis.columns import correlated
from sdd.analysis.curve import FIRST_COLUMNS
from sdd.measures.columns import Column

_BETTER = {"higher": "higher is better", "lower": "lower is better", "": ""}


def page_columns(columns: Mapping[str, Column]) -> list[dict[str, object]]:
    """Return the columns that the page can draw: test accuracy, others that are shown at first, the rest.

    Args:
        columns: Of all runs, in the order of `curve.csv`.

    Returns:
        For each `name`, `label`, `note` in words, `unit`, `fraction` (in [0, 1], written as percent), `shown` (at
        first), `correlated` (with test accuracy) and `whole` (measured at every level, so that a missing value is a
        gap).
    """
    drawn = [column for column in columns.values() if not column.detail]
    drawn.sort(key=lambda column: (column.name != "test_acc", not column.shown))
    measures = correlated(columns)
    return [
        {
            "name": column.name,
            "label": column.label[0].upper() + column.label[1:],
            "note": "; ".join(filter(None, (column.note, _BETTER[column.better]))),
            "unit": "%" if column.fraction else column.unit,
            "fraction": column.fraction,
            "shown": column.shown,
            "correlated": column.name in measures,
            "whole": column.name in FIRST_COLUMNS or column.name not in measures,
        }
        for column in drawn
    ]
