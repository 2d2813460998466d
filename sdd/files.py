"""Files written in one step, so that each is the old version or the new one; lock files; reading of text and JSON."""

import csv
import io
import json
import math
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from sdd.errors import UserError
from sdd.messages import one_line

_LARGEST = 256 * 2**20
"""Bytes of a text or table that is read whole; those of a run are a thousandth of it."""

_MOST_VALUES = 1_000_000
"""Values of a YAML file; a few lines of aliases can stand for any number."""

_WHOLE = ("level", "epoch", "direction")
"""Columns of whole numbers."""

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows has no such locks; two processes there must not share a folder
    fcntl = None


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace a file's content in one step, so that a kill or a full disk leaves the old content whole.

    Args:
        path: File to write; its folder is made where it is missing.
        content: Text (written as UTF-8) or bytes.

    Raises:
        OSError: The content could not be written; the old file is as it was.
    """
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
    """Find out whether files can be written into a folder, or it can be made where it is missing.

    Args:
        option: What names it, for the message.
        folder: The folder.

    Raises:
        UserError: It is a file, lies in one, or nothing may be written there.
    """
    for place in (folder, *folder.absolute().parents):
        if os.path.lexists(place):
            if not place.exists():
                raise UserError(f"{option} is {folder}, but {place} is a link that leads nowhere: give another folder")
            if not place.is_dir():
                raise UserError(f"{option} is {folder}, but {place} is a file: give a folder")
            try:
                Path(tempfile.mkdtemp(prefix=".sdd-", dir=place)).rmdir()  # /proc has permissions like other folders
            except OSError as error:
                raise UserError(
                    f"{option} is {folder}, but nothing may be written into {place} ({error.strerror}): give another "
                    "folder"
                ) from error
            return


@contextmanager
def only_one_process(lock: Path) -> Iterator[None]:
    """Hold a lock file, waiting for whoever holds it; the lock ends with the process, however that ends."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def try_lock(lock: Path, holder: str) -> Iterator[str | None]:
    """Hold a lock file if nobody does.

    Args:
        lock: The file.
        holder: Who asks, for others to read.

    Yields:
        None where the lock is held now, else who holds it.
    """
    with lock.open("a+") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                yield file.read().strip() or "unknown"
                return
        file.truncate(0)
        file.write(holder)
        file.flush()
        yield None


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


def read_bytes(path: Path) -> bytes:
    """Read a file, if it is one, and of a size that a file of ours may have.

    Nothing waits for whoever writes into a pipe, and a sparse file of terabytes takes no memory.

    Raises:
        UserError: It is missing, cannot be read, is no regular file, or is too large.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise UserError(f"{path} cannot be read: it is no file")
            if status.st_size > _LARGEST:
                raise UserError(f"{path} is damaged: it is of {status.st_size:,} bytes; at most {_LARGEST:,} are read")
            return file.read()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error


def read_text(path: Path) -> str:
    """Read a text file.

    Raises:
        UserError: It is missing, cannot be read, is no file or too large, or is not UTF-8.
    """
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is damaged: it is not UTF-8 text (byte {error.start})") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds values by name.

    Raises:
        UserError: It is missing, cannot be read, is no JSON, or holds something else.
    """
    try:
        content = json.loads(read_text(path))
    except UserError:
        raise
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is damaged: it holds no values by name")
    return content


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        UserError: It is missing, cannot be read, is no YAML, or its aliases stand for more than a file may hold.
    """
    text = read_text(path)
    try:
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        size = _unfolded(content, {})
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is no YAML: {one_line(str(error))}") from error
    if size > _MOST_VALUES:
        raise UserError(f"{path} is no configuration: its aliases stand for more than {_MOST_VALUES:,} values")
    return content


def _unfolded(content: Any, known: dict[int, int]) -> int:
    """Return how many values there are in a value, those that several aliases stand for counted for each."""
    if not isinstance(content, dict | list):
        return 1
    if id(content) not in known:
        known[id(content)] = _MOST_VALUES + 1  # while it is counted: what holds itself has no end
        within = content.values() if isinstance(content, dict) else content
        known[id(content)] = 1 + sum(_unfolded(one, known) for one in within)
    return known[id(content)]
