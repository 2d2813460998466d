"""Descriptions of the columns of `curve.csv` for the page, and which of them it shows."""

from collections.abc import Mapping, Sequence

from sdd.analysis.columns import correlated
from sdd.analysis.curve import FIRST_COLUMNS
from sdd.analysis.reading import Run
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


def measured_differently(runs: Sequence[Run]) -> list[dict[str, int]]:
    """Return how each run measured a column, as a number, where not all runs measured it alike.

    Args:
        runs: Of the page.

    Returns:
        For each run numbers by column: those of one number were measured alike. A column that all runs measured alike
        is not there, nor that of a run which does not say how.
    """
    found: list[dict[str, int]] = [{} for _ in runs]
    for name in dict.fromkeys(name for run in runs for name in run.columns):
        ways = list[Column]()
        numbers = dict[int, int]()
        for index, run in enumerate(runs):
            if name in run.columns and run.columns[name].settings:
                column = run.columns[name]
                alike = (number for number, way in enumerate(ways) if column.measured_otherwise(way) is None)
                numbers[index] = next(alike, len(ways))
                if numbers[index] == len(ways):
                    ways.append(column)
        for index, number in numbers.items() if len(ways) > 1 else ():
            found[index][name] = number
    return found
