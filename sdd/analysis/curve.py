"""The curve of a run as a CSV file: one row a level."""

import csv
import io
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from sdd.errors import UserError
from sdd.files import read_text, write_atomically

Row = dict[str, float | int]

FIRST_COLUMNS = (
    "level",
    "sparsity",
    "remaining",
    "remaining_fraction",
    "train_loss",
    "train_acc",
    "train_acc_kept",
    "memorized",
    "recovered",
    "test_loss",
    "test_acc",
    "distance",
    "distance_init",
    "distance_start",
    "seconds",
)
"""Columns that `curve.csv` begins with; each is described by its measure."""

_ADDED_LATER = "remaining_fraction"
"""A column that earlier versions did not write; it follows from the others."""

_RENAMED = "distance_start"
"""What still earlier ones called `distance`."""

_NEVER_EMPTY = ("level", "sparsity", "remaining")
_MOST_WEIGHTS = 2**53
_INTEGER = re.compile(r"[+-]?[0-9]+")


def column(rows: Sequence[Mapping[str, float | int]], name: str) -> list[float]:
    """Return one measure over the levels, NaN where a row lacks it."""
    return [float(row.get(name, math.nan)) for row in rows]


def renamed(row: Mapping[str, float | int]) -> Row:
    """Return a row of an earlier version with today's names: its `distance` was measured from the level's start.

    Args:
        row: Of a curve or of a path of distances, of any version.
    """
    if "distance_start" in row or "distance" not in row:
        return dict(row)
    return {_renamed(name): value for name, value in row.items()}


def with_remaining_fraction(rows: Sequence[Mapping[str, float | int]]) -> list[Row]:
    """Return rows that have `remaining_fraction`, as those of an earlier version have not.

    It is the number that the run would have written, bit for bit: `remaining` through the number of prunable weights,
    which is known exactly from the densest row.

    Args:
        rows: Of one run, by rising level. Where they hold what no run writes, such as a sparsity of 2, they stay
            without.
    """
    if all(_ADDED_LATER in row for row in rows):
        return [dict(row) for row in rows]
    if not all(0 <= row["sparsity"] <= 1 and 0 <= row["remaining"] <= _MOST_WEIGHTS for row in rows):
        return [dict(row) for row in rows]
    densest = min(rows, key=lambda row: row["sparsity"])
    kept = 1 - densest["sparsity"]
    total = round(densest["remaining"] / kept) if kept else 0
    return [_with_fraction(row, row["remaining"] / total if total else 0.0) for row in rows]


def _with_fraction(row: Mapping[str, float | int], fraction: float) -> Row:
    """Return a row with its fraction in the place that the column has in the file."""
    place = FIRST_COLUMNS.index(_ADDED_LATER)
    first = {name: row[name] for name in FIRST_COLUMNS[:place] if name in row}
    return {**first, _ADDED_LATER: fraction, **row}


def _renamed(name: str) -> str:
    stem, slash, parameter = name.partition("/")
    return f"distance_start{slash}{parameter}" if stem == "distance" else name


def further_columns(rows: Sequence[Mapping[str, float | int]]) -> list[str]:
    """Return the columns beyond `FIRST_COLUMNS`, in the order in which the rows first name them."""
    return list(dict.fromkeys(name for row in rows for name in row if name not in FIRST_COLUMNS))


def curve_text(rows: Sequence[Mapping[str, float | int]]) -> str:
    """Return rows as a CSV file; `read_curve` returns them bit for bit.

    Args:
        rows: One a level. `FIRST_COLUMNS` come first, the others follow in first-seen order; what a row lacks
            is an empty cell.
    """
    columns = [*FIRST_COLUMNS, *further_columns(rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_format(row[name]) if name in row else "" for name in columns])
    return text.getvalue()


def write_curve(path: str | os.PathLike[str], rows: Sequence[Mapping[str, float | int]]) -> None:
    """Write the `curve_text` of rows to a file in one step.

    Raises:
        OSError: The file could not be written; the old one is as it was.
    """
    write_atomically(Path(path), curve_text(rows))


def read_curve(path: str | os.PathLike[str]) -> list[Row]:
    """Read the rows of a curve; an empty cell is a key that the row lacks.

    Args:
        path: A file that `write_curve` wrote, of this version or an earlier one, whose rows get the names and columns
            of today.

    Raises:
        UserError: The file is missing, empty or damaged; the message names the file and the line.
    """
    text = read_text(Path(path))
    if not text.strip():
        raise UserError(f"{path} is empty; it should hold a header and one row a level")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    try:
        columns = next(reader)
        _check_header(path, columns)
        if _begins(columns, without=(_ADDED_LATER, _RENAMED)):
            columns = [_renamed(name) for name in columns]
        for cells in reader:
            rows.append(_parse(f"{path}, line {reader.line_num}", columns, cells))
            if len(rows) > 1 and rows[-1]["level"] <= rows[-2]["level"]:
                before, level = rows[-2]["level"], rows[-1]["level"]
                raise UserError(
                    f"{path}, line {reader.line_num}: level {level} follows level {before}; levels must rise"
                )
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: damaged: {error}") from error
    if not text.endswith("\n"):
        raise UserError(f"{path}, line {reader.line_num}: the line is cut off; the file is damaged")
    return with_remaining_fraction(rows) if _ADDED_LATER not in columns else rows


def _format(value: float | int) -> str:
    """Return the shortest text that reads back as the same number of the same kind."""
    return repr(float(value)) if not hasattr(value, "__index__") else str(int(value))


def _begins(columns: Sequence[str], without: Sequence[str] = ()) -> bool:
    """Tell whether a header begins with `FIRST_COLUMNS`, apart from those that its version did not have."""
    first = [name for name in FIRST_COLUMNS if name not in without]
    return [*columns[: len(first)]] == first


def _check_header(path: str | os.PathLike[str], columns: list[str]) -> None:
    begins = any(_begins(columns, without) for without in ((), (_ADDED_LATER,), (_ADDED_LATER, _RENAMED)))
    if len(set(columns)) < len(columns) or not begins:
        raise UserError(f"{path}, line 1: not the header of a curve, which begins {','.join(FIRST_COLUMNS)}")


def _parse(place: str, columns: list[str], cells: list[str]) -> Row:
    """Return one row; `place` names file and line in errors."""
    if len(cells) != len(columns):
        raise UserError(f"{place}: {len(cells)} cells where the header has {len(columns)}; the file is damaged")
    row: Row = {}
    for name, cell in zip(columns, cells, strict=True):
        if not cell and name not in _NEVER_EMPTY:
            continue
        try:
            row[name] = int(cell) if _INTEGER.fullmatch(cell) else float(cell)
        except ValueError:
            raise UserError(f"{place}: {name} is {cell!r}, not a number; the file is damaged") from None
    if not isinstance(row["level"], int):
        raise UserError(f"{place}: level is {row['level']}, not a whole number; the file is damaged")
    return row
