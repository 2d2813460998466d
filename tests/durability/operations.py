"""The file operations of a process below a folder: counted, recorded, and stopped at one of them."""

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KILL, FULL, BROKEN = "SIGKILL", "ENOSPC", "EIO"
"""What stops: the process is killed; from then on there is no room; the disk fails this once."""

STOPS = (KILL, FULL, BROKEN)

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NEED_ROOM = ("open", "write", "mkdir")
_AUDITED = {"os.mkdir": "mkdir", "os.rename": "rename", "os.remove": "unlink", "os.rmdir": "rmdir", "os.chmod": "chmod"}


@dataclass(frozen=True)
class Operation:
    """What a process does to files.

    Attributes:
        name: open (for writing), write, fsync, rename, unlink, mkdir, rmdir or chmod.
        path: Of the file or folder.
        target: The new name.
        data: What is written.
    """

    name: str
    path: str
    target: str = ""
    data: bytes = b""


@dataclass(frozen=True)
class Stop:
    """Where and how a process is stopped.

    Attributes:
        at: Number of the operation.
        by: One of `STOPS`.
        process: Which of the processes of a run.
    """

    at: int
    by: str
    process: int = 0


@dataclass
class Watch:
    """Watches the operations of this process, from `install` to its end.

    Attributes:
        place: The folder in which they count.
        stop: None: they are only recorded.
        log: Called with each operation before it happens; a write that is to be stopped happens by half.
        done: How many there were.
    """

    place: Path
    stop: Stop | None = None
    log: Callable[[Operation], None] = lambda operation: None
    done: int = 0
    _full: bool = field(default=False)

    def install(self) -> None:
        """Begin; the process is to be one of its own, since nothing takes this back."""
        sys.addaudithook(self._heard)
        fsync, fdopen = os.fsync, os.fdopen

        def watched_fsync(handle: int) -> None:
            path = _path_of(handle)
            if self._counts(path):
                self._reach(Operation("fsync", path))
            fsync(handle)

        def watched_fdopen(handle: int, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            path = _path_of(handle)
            if mode != "wb" or not self._counts(path):
                return fdopen(handle, mode, *arguments, **named)
            return io.BufferedWriter(_WatchedFile(self, path, handle))

        os.fsync, os.fdopen = watched_fsync, watched_fdopen  # type: ignore[assignment]

    def reach_write(self, path: str, data: bytes, write_half: Callable[[], object]) -> None:
        """Note that something is about to be written; where that is stopped, half of it is written."""
        self._reach(Operation("write", path, data=data), write_half)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITES and self._counts(path):
                self._reach(Operation("open", _whole(path)))
        elif event in _AUDITED and self._counts(arguments[0]):
            target = _whole(arguments[1]) if event == "os.rename" else ""
            self._reach(Operation(_AUDITED[event], _whole(arguments[0]), target))

    def _counts(self, path: Any) -> bool:
        return isinstance(path, str | bytes | os.PathLike) and Path(_whole(path)).is_relative_to(self.place)

    def _reach(self, operation: Operation, before: Callable[[], object] | None = None) -> None:
        number, self.done = self.done, self.done + 1
        self.log(operation)
        if self._full and operation.name in _NEED_ROOM:
            raise _error(FULL, operation)
        if self.stop is None or number != self.stop.at:
            return
        if before is not None:
            before()
        if self.stop.by == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        self._full = self.stop.by == FULL
        if self.stop.by == BROKEN or operation.name in _NEED_ROOM:
            raise _error(self.stop.by, operation)


class _WatchedFile(io.FileIO):
    """A file whose writes are told to a `Watch`."""

    def __init__(self, watch: Watch, path: str, handle: int) -> None:
        super().__init__(handle, "wb")
        self._watch, self._path = watch, path

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._watch.reach_write(
            self._path, content, lambda: super(_WatchedFile, self).write(content[: len(content) // 2])
        )
        return super().write(data)


def _error(by: str, operation: Operation) -> OSError:
    number = getattr(errno, by)
    return OSError(number, os.strerror(number), operation.path)


def _whole(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))


def _path_of(handle: int) -> str:
    return os.readlink(f"/proc/self/fd/{handle}")
