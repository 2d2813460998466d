"""Files written in one step, so that each is the old version or the new one; reading of text and JSON."""

import csv
import io
import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sdd.errors import UserError
from sdd.locks import check_there

_WHOLE = ("level", "epoch", "direction")
"""Columns of whole numbers."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace a file's content in one step, so that a kill or a full disk leaves the old content whole.

    Args:
        path: File to write; its folder is made where it is missing.
        content: Text (written as UTF-8) or bytes.

    Raises:
        OSError: The content could not be written; the old file is as it was.
        LostFolderError: It is to lie in a folder in which this process works, and which is gone.
    """
    check_there(path)
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def check_folder(option: str, folder: Path) -> None:
    """Find out whether files can be written into a folder, which is made where it is missing.

    Args:
        option: What names it, for the message.
        folder: The folder.

    Raises:
        UserError: It is a file, lies in one, or nothing may be written there.
    """
    for place in (folder, *folder.absolute().parents):
        if place.exists():
            if not place.is_dir():
                raise UserError(f"{option} is {folder}, but {place} is a file: give a folder")
            if not os.access(place, os.W_OK | os.X_OK):
                raise UserError(f"{option} is {folder}, but nothing may be written into {place}: give another folder")
            return


def write_table(path: Path, rows: Sequence[Mapping[str, float | int]]) -> None:
    """Write rows of the same columns as CSV, numbers so that they read back bit for bit."""
    lines = [",".join(rows[0]), *(",".join(repr(value) for value in row.values()) for row in rows)]
    write_atomically(path, "\n".join(lines) + "\n")


def read_table(path: Path, columns: Sequence[str] = ()) -> list[dict[str, float | int]]:
    """Read the numbers that `write_table` wrote: a row a line, by column.

    Args:
        path: The file.
        columns: Those that it must have, in this order; none: any.

    Returns:
        Levels, epochs and directions as int, all else as float, NaN where a cell is empty.

    Raises:
        UserError: It cannot be read or is damaged; the message names the line.
    """
    lines = csv.reader(io.StringIO(read_text(path), newline=""))
    names = next(lines, [])
    if columns and tuple(names) != tuple(columns):
        raise UserError(f"{path}, line 1: not the header {','.join(columns)}")
    rows = list[dict[str, float | int]]()
    for cells in lines:
        try:
            rows.append({name: _number(name, cell) for name, cell in zip(names, cells, strict=True)})
        except ValueError as error:
            raise UserError(f"{path}, line {lines.line_num}: damaged: {error}") from error
    return rows


def _number(name: str, cell: str) -> float | int:
    if name in _WHOLE:
        return int(cell)
    return float(cell) if cell else math.nan


def read_text(path: Path) -> str:
    """Read a text file.

    Raises:
        UserError: It is missing, cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is damaged: it is not UTF-8 text (byte {error.start})") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds values by name.

    Raises:
        UserError: It is missing, cannot be read, is no JSON, or holds something else.
    """
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is damaged: it holds no values by name")
    return content
