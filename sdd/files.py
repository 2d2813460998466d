"""Files written in one step and to last, so that each is the old version or the new one; reading of text and JSON."""

import csv
import errno
import io
import json
import math
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from sdd.checksums import ABSENT, Checksums, problem, read_checksums, text_of, with_next
from sdd.checksums import FILE as CHECKSUMS
from sdd.console import say
from sdd.errors import DamagedError, UserError
from sdd.locks import check_there
from sdd.regular_files import read_bytes

_WHOLE = ("level", "epoch", "direction")
"""Columns of whole numbers."""


PART = ".part"
"""What the name of a file ends with while it is written; it begins with a dot."""

_MAY_NOT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""What is said where nobody may write."""

_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.ENOSYS})
"""What a file system says that writes entries of folders by itself, and cannot be asked to."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace a file's content in one step, and for good: neither a kill, a full disk nor a power cut leaves a mixture.

    Args:
        path: File to write; its folder is made where it is missing.
        content: Text (written as UTF-8) or bytes.

    Raises:
        OSError: The content could not be written; the old file is as it was, or the new one is there.
        LostFolderError: It is to lie in a folder in which this process works, and which is gone.
    """
    data = content.encode() if isinstance(content, str) else content
    with replacing(path) as file:
        file.write(data)


def write_checked(path: Path, content: str | bytes) -> None:
    """Write a file as `write_atomically` does, with a checksum beside it that `read_text` compares.

    No other process may be writing in the folder.

    Args:
        path: File to write; its folder is made where it is missing.
        content: Text (written as UTF-8) or bytes.

    Raises:
        OSError: The content could not be written; the old file is as it was, or the new one is there.
    """
    data = content.encode() if isinstance(content, str) else content
    known = {name: _allowed(path.with_name(name), held) for name, held in _checksums_or_none(path.parent).items()}
    write_checksums(path.parent, {**known, path.name: with_next(known.get(path.name), content_now(path), data)})
    write_atomically(path, data)


def content_now(path: Path) -> bytes | None:
    """Return what a file holds that is to be replaced; None where there is none, or one too large to be one of ours.

    Raises:
        UserError: It cannot be read.
    """
    try:
        return read_bytes(path) if path.is_file() else None
    except DamagedError:
        return None


def _allowed(path: Path, held: Sequence[str | None]) -> Sequence[str | None]:
    """Return the checksums of a file, without leave to be absent once it is there."""
    return [one for one in held if one is not ABSENT] if path.is_file() else held


def write_checksums(folder: Path, checksums: Checksums) -> None:
    """Write the checksums of a folder."""
    write_atomically(folder / CHECKSUMS, text_of(checksums))


def settle_checksums(folder: Path) -> None:
    """Note that all files with checksums are there in their last form, so that one that goes is missed.

    No other process may be writing in the folder.
    """
    known = _checksums_or_none(folder)
    write_checksums(folder, {name: allowed[-1:] for name, allowed in known.items() if (folder / name).is_file()})


def damage(path: Path, checksums: Checksums | None = None) -> str | None:
    """Return why a file is not as it was written, in a line that begins with its name; None where it is.

    Args:
        path: The file.
        checksums: Of its folder; None: they are read.

    Raises:
        UserError: The checksums, or the file, cannot be read.
    """
    content = read_bytes(path) if path.is_file() else None
    # Read afterwards, since whoever replaces the file meanwhile keeps the checksum of the content before.
    known = read_checksums(path.parent) if checksums is None else checksums
    found = problem(path, content, known)
    return None if found is None else f"{path.name} is {found}"


def _checksums_or_none(folder: Path) -> Checksums:
    try:
        return read_checksums(folder)
    except UserError:  # whoever reads says so; from what is written now on, they are right again
        return {}


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file in a file's own folder, which takes its place once it is whole and on the disk.

    Afterwards the new name is on the disk too. Where anything fails before, the old file is as it was.

    Args:
        path: File to write; its folder is made where it is missing.

    Raises:
        OSError: The content could not be written.
        UserError: There is a device or a pipe, whose place no file may take.
        LostFolderError: It is to lie in a folder in which this process works, and which is gone.
    """
    _check_replaceable(path)
    check_there(path)
    make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=PART)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        part.chmod(0o644)
        put_in_place(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _check_replaceable(path: Path) -> None:
    """Refuse a device or a pipe, also one that a link leads to."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UserError(f"{path} is a device or a pipe, which no file may replace: name another")


def put_in_place(part: Path, path: Path) -> None:
    """Rename a file that is written, once it is on the disk, so that the new name is there to last.

    Args:
        part: The file.
        path: In the same folder; what is there is replaced.

    Raises:
        OSError: It could not be.
    """
    _sync(part)
    part.replace(path)
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder and those above it where they are missing, so that a power cut leaves them there."""
    missing = [place for place in (path, *path.parents) if not place.exists()]
    if missing:
        path.mkdir(parents=True, exist_ok=True)
    for place in reversed(missing):
        sync_folder(place.parent)


def sync_folder(path: Path) -> None:
    """Have the names in a folder written to the disk, where the system can be asked to.

    Raises:
        OSError: They could not be written.
    """
    try:
        _sync(path)
    except PermissionError:  # it may be written but not listed, or the system opens no folders
        return
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def parts(folder: Path) -> list[Path]:
    """Return what processes that were killed have left half written in a folder, or are writing there now."""
    return sorted(folder.glob(f".*{PART}"))


@contextmanager
def removing_leftovers(folder: Path) -> Iterator[None]:
    """Go on where what killed processes have left in a folder cannot be removed; all but a lack of permission is said.

    Args:
        folder: That it is in.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _MAY_NOT:
            say(f"{folder}: what a killed process has left half written could not be removed ({error})", error=True)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for temporary files, which goes at the end; if that is a kill, by `remove_abandoned`."""
    with tempfile.TemporaryDirectory(prefix=f"sdd-{socket.gethostname()}-{os.getpid()}-") as place:
        yield Path(place)


def remove_abandoned() -> None:
    """Remove temporary folders of processes of this machine that have been killed; others' are left alone."""
    named = re.compile(rf"sdd-{re.escape(socket.gethostname())}-(\d+)-\w+")
    for place in Path(tempfile.gettempdir()).glob("sdd-*"):
        owner = named.fullmatch(place.name)
        if owner is not None and not _is_running(int(owner[1])):
            shutil.rmtree(place, ignore_errors=True)


def _is_running(process: int) -> bool:
    if os.name == "nt":  # nobody can be asked there without being ended
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def check_output(option: str, path: Path) -> Path:
    """Find out whether a file that a user names can be written, before the work for it is done.

    Args:
        option: What names it, for the message.
        path: The file.

    Returns:
        Where it is to be written: what a link leads to is.

    Raises:
        UserError: It is a folder, a device or a pipe, or nothing may be written into its folder.
    """
    if path.is_dir():
        raise UserError(f"{option} {path} is a folder; name a file in it")
    _check_replaceable(path)
    real = Path(os.path.realpath(path)) if path.is_symlink() else path
    check_folder(f"the folder of {option}", real.parent)
    return real


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


def table_text(rows: Sequence[Mapping[str, float | int]]) -> str:
    """Return rows of the same columns as CSV, numbers so that they read back bit for bit."""
    lines = [",".join(rows[0]), *(",".join(repr(value) for value in row.values()) for row in rows)]
    return "\n".join(lines) + "\n"


def read_table(path: Path, columns: Sequence[str] = ()) -> list[dict[str, float | int]]:
    """Read the numbers of a `table_text`: a row a line, by column.

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
    """Read a text file, and compare it with its checksum where there is one.

    Raises:
        UserError: It is missing, cannot be read, is no file or too large.
        DamagedError: It is not UTF-8, or not what was written with `write_checked`.
    """
    content = read_bytes(path)
    if found := problem(path, content, read_checksums(path.parent)):
        raise DamagedError(f"{path} is {found}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise DamagedError(f"{path} is damaged: it is not UTF-8 text (byte {error.start})") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds values by name.

    Raises:
        UserError: It is missing or cannot be read.
        DamagedError: It is no JSON, holds something else, or is not what was written.
    """
    try:
        content = json.loads(read_text(path))
    except UserError:
        raise
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise DamagedError(f"{path} is damaged: it holds no values by name")
    return content
