"""Label files that are text: read as a table, with or without a header."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdd.errors import UserError
from sdd.files import read_text
from sdd.messages import one_line

LABEL_COLUMN = re.compile(r"(.*_)?(labels?|class|number)")
"""Names of columns that hold labels; those that end in `class` hold names of classes, in `number` their numbers."""

INDEX_COLUMNS = ("index", "place")
FILE_COLUMNS = ("file", "filename", "file_name", "path", "image")

_SEPARATORS = ("\t", ",", ";")
_KNOWN = {*INDEX_COLUMNS, *FILE_COLUMNS}


@dataclass(frozen=True)
class Table:
    """What a text holds.

    Attributes:
        header: Names of the columns, in lower case; None: it has no header.
        rows: Its cells, as many in each row.
        lines: In which line of the file each row is, from 1.
    """

    header: list[str] | None
    rows: list[list[str]]
    lines: list[int]

    def column(self, place: int) -> list[str]:
        """Return the cells of one column, from top to bottom."""
        return [row[place] for row in self.rows]


def read_table(path: Path, is_value: Callable[[str], bool]) -> Table:
    """Read a text with one example a line; empty lines and those that begin with # are left out.

    Columns are separated by tabs, commas or semicolons, whichever the first line has; without these the last word of
    every line is a column of its own where each line has several words.

    Args:
        path: Of the file.
        is_value: Tells whether a cell is a label or the file of an example; the first line is a header where none is.

    Raises:
        UserError: It cannot be read, is empty, or its lines differ in their number of columns.
    """
    text = read_text(path).removeprefix("\ufeff")
    numbered = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    kept = [(number, line) for number, line in numbered if line and not line.startswith("#")]
    if not kept:
        raise UserError(f"{path} holds no labels")
    lines = [number for number, _ in kept]
    try:
        rows = _cells([line for _, line in kept], is_value)
    except csv.Error as error:
        raise UserError(f"cannot read the label file {path}: {one_line(str(error))}") from error
    for number, row in zip(lines, rows, strict=False):
        if len(row) != len(rows[0]):
            raise UserError(f"{path}:{number} has {len(row)} columns, but the first line has {len(rows[0])}")
    names = [cell.lower() for cell in rows[0]]
    if len(rows) == 1 and len(names) > 1 and all(map(_is_number, names)):  # all labels in one line
        return Table(None, [[cell] for cell in rows[0]], lines * len(names))
    known = any(name in _KNOWN or LABEL_COLUMN.fullmatch(name) for name in names)
    if not any(map(is_value, rows[0])) and (known or len(names) > 1):
        if len(rows) == 1:
            raise UserError(f"{path} holds no labels, only the header {', '.join(names)}")
        return Table(names, rows[1:], lines[1:])
    return Table(None, rows, lines)


def _cells(lines: Sequence[str], is_value: Callable[[str], bool]) -> list[list[str]]:
    separator = next((one for one in _SEPARATORS if one in lines[0]), None)
    if separator is not None:
        parted = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
        return [[cell.strip() for cell in row] for row in parted]
    if len(lines) == 1 and all(map(_is_number, lines[0].split())):
        return [lines[0].split()]
    words = [line.rsplit(None, 1) for line in lines]
    several = all(len(two) == 2 for two in words) and not any(is_value(line) for line in lines)
    return words if several else [[line] for line in lines]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
