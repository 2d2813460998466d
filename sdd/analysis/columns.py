"""A run's columns, as its measures described them when it was trained; kept in the run's folder."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sdd.analysis.curve import FIRST_COLUMNS, further_columns
from sdd.errors import UserError
from sdd.files import read_json, write_checked
from sdd.measures.columns import REMAINING_FRACTION, Column, describe

FILE = "columns.json"
_FORMAT = 1

Columns = Mapping[str, Column]
Rows = Sequence[Mapping[str, float | int]]


@cache
def built_in() -> Columns:
    """Return the columns of the built-in measures; imported where a run does not say, since PyTorch comes with them."""
    from sdd.measures.built_in import COLUMNS

    return COLUMNS


def write_columns(folder: Path, columns: Iterable[Column]) -> None:
    """Write what is known of a run's columns to its folder, in one step."""
    content = {"format": _FORMAT, "columns": [column.as_dict() for column in columns]}
    write_checked(folder / FILE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_columns(folder: Path) -> dict[str, Column]:
    """Return the columns that a run's folder holds, by name; none where it has no such file.

    Raises:
        UserError: The file cannot be read or is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    content = read_json(path)
    try:
        return columns_from(content["columns"])
    except (KeyError, TypeError, AttributeError, UserError) as error:
        raise UserError(f"{path} is damaged: it holds no list of columns ({error})") from error


def columns_from(entries: Iterable[Mapping[str, Any]]) -> dict[str, Column]:
    """Return the columns that were kept as dictionaries, by name.

    What an earlier version said of `distance` is left out: it was the name of `distance_start`.

    Args:
        entries: As `Column.as_dict` gives them.

    Raises:
        UserError: A value is not allowed.
    """
    columns = {column.name: column for column in map(Column.from_dict, entries)}
    if "distance_start" in columns:
        return columns
    return {name: column for name, column in columns.items() if name.partition("/")[0] != "distance"}


def merged(several: Iterable[Columns]) -> dict[str, Column]:
    """Return the columns of several runs, by name and in the order of `curve.csv`.

    Of several descriptions of one column, that which says most: how it was measured, or more than its name; of equal
    ones, the first run's.
    """
    found: dict[str, Column] = {}
    for name, column in (item for columns in several for item in columns.items()):
        if name not in found or _told(column) > _told(found[name]):
            found[name] = column
    rank = {name: place for place, name in enumerate(FIRST_COLUMNS)}
    return dict(sorted(found.items(), key=lambda item: rank.get(item[0], len(rank))))


def _told(column: Column) -> tuple[bool, bool]:
    """Return what a column says of itself, to compare: how it was measured, and more than its name."""
    return bool(column.settings), column.label != column.name


def columns_of(rows: Rows, stored: Columns | None = None) -> dict[str, Column]:
    """Return the columns of rows in the order of `curve.csv`.

    Args:
        rows: One a level, of one run or several.
        stored: What the runs' folders hold; a name that is not among them is looked for in the built-in measures.
    """
    names = [name for name in FIRST_COLUMNS if any(name in row for row in rows)] + further_columns(rows)
    known = {REMAINING_FRACTION.name: REMAINING_FRACTION, **(stored or {})}  # earlier versions stored nothing of it
    if not known.keys() >= {*names}:
        known = {**built_in(), **known}
    return {name: describe(name, known) for name in names}


def correlated(columns: Columns) -> list[str]:
    """Return the measures whose rank correlation with test accuracy is given: the distance first, measured or not."""
    names = [name for name, column in columns.items() if column.correlated and not column.detail]
    return ["distance", *(name for name in names if name != "distance")]


def further_measures(columns: Columns) -> list[Column]:
    """Return the measures beyond `FIRST_COLUMNS` that are shown, such as flatness or a user's own."""
    return [
        column for name, column in columns.items() if column.shown and not column.detail and name not in FIRST_COLUMNS
    ]


def gone_on_with(declared: Columns, earlier: Columns, measured: Iterable[str]) -> dict[str, Column]:
    """Return the columns of a resumed run.

    Args:
        declared: What its measures say now.
        earlier: What they said before.
        measured: Names that the rows so far have.

    Returns:
        Those declared, as a run that was never stopped has them, and then earlier ones that only the rows so far have.

    Raises:
        UserError: Some level was measured with other settings than the next ones would be.
    """
    kept = {name: earlier[name] for name in measured if name in earlier}
    for name, before in kept.items():
        if name in declared and (difference := before.measured_otherwise(declared[name])):
            setting, then, now = difference
            raise UserError(
                f"{name} would be measured with {setting} {now}, but the levels so far were with {then}: set it "
                f"back to {then}, or choose another --run_dir"
            )
    return {**declared, **{name: column for name, column in kept.items() if name not in declared}}
