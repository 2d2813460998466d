"""Lock files: one process at a time, and whether a folder is still the one in which this process holds a lock."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO

from sdd.console import say
from sdd.errors import UserError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows has no such locks; two processes there must not share a folder
    fcntl = None

_UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
"""What file systems answer that have no locks: some NFS, Lustre and FUSE."""

_held: dict[Path, tuple[int, int]] = {}
"""Device and number of the lock files that this process holds by `try_lock`, by absolute path."""

_said: set[Path] = set()
"""Folders of which was said that nothing guards them."""


class LostFolderError(UserError):
    """The folder in which this process works is not there any more."""


@contextmanager
def only_one_process(lock: Path) -> Iterator[None]:
    """Hold a lock file, waiting for whoever holds it; the lock ends with the process, however that ends."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        _lock(file, wait=True)
        yield


@contextmanager
def try_lock(lock: Path, holder: str) -> Iterator[str | None]:
    """Hold a lock file if nobody does; `check_there` then watches the folder that it is in.

    Args:
        lock: The file.
        holder: Who asks, for others to read.

    Yields:
        None where the lock is held now, or where the file system has no locks, which is said; else who holds it.
    """
    with lock.open("a+") as file:
        if not _lock(file, wait=False):
            file.seek(0)
            yield file.read().strip() or "unknown"
            return
        file.truncate(0)
        file.write(holder)
        file.flush()
        place = lock.absolute()
        _held[place] = _identity(os.fstat(file.fileno()))
        try:
            yield None
        finally:
            del _held[place]


def is_held_by(process: int, lock: Path) -> bool:
    """Tell whether a process of this machine is known to hold a lock file, by the list that Linux keeps."""
    try:
        number, held = str(lock.stat().st_ino), Path("/proc/locks").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    lines = (line.split() for line in held.splitlines())
    return any(
        line[1] == "FLOCK" and line[4] == str(process) and line[5].rpartition(":")[2] == number
        for line in lines
        if len(line) > 5
    )


def holds(folder: Path) -> bool:
    """Tell whether this process holds a lock in a folder by `try_lock`."""
    return any(lock.parent == folder.absolute() for lock in _held)


def check_there(path: Path) -> None:
    """Find out whether a folder in which this process holds a lock is still that folder, before it writes there.

    Args:
        path: The folder or a path in it; others are not looked at.

    Raises:
        LostFolderError: It has been deleted or moved, or another one is in its place.
    """
    place = path.absolute()
    for lock, identity in tuple(_held.items()):
        if lock.parent == place or lock.parent in place.parents:
            try:
                found = _identity(lock.stat())
            except (FileNotFoundError, NotADirectoryError):
                found = None
            if found != identity:
                raise LostFolderError(
                    f"{lock.parent}, in which this process works, or {lock.name} in it has been deleted, moved or "
                    "replaced; nothing more is written there: put it back, or give the command again"
                )


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _lock(file: IO[str], *, wait: bool) -> bool:
    """Lock an open file; returns whether it is this process's now."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        _say_unguarded(Path(file.name), error)
    return True


def _say_unguarded(lock: Path, error: OSError) -> None:
    """Say once of a folder that nothing guards it."""
    folder = lock.absolute().parent
    if folder not in _said:
        _said.add(folder)
        reason = error.strerror or error
        say(
            f"the file system of {folder} has no locks ({reason}): nothing keeps a second process out of it", error=True
        )
