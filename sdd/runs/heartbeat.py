"""The heartbeat of a run: a small file that says what it is doing, for whoever watches over it from outside."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sdd.errors import UserError
from sdd.places import place_of

_SECONDS = 1.0
"""Between two beats."""


class Heartbeat:
    """Says in a file, at most once a second, what is being done; that it changes is the sign of life.

    Args:
        file: Its path; None: nothing is said.

    Raises:
        UserError: It is no path of this machine, or of what is no file.
    """

    def __init__(self, file: str | None) -> None:
        self._file, self._next = None if file is None else place_of(file, "progress.heartbeat"), 0.0
        if self._file is not None and self._file.exists() and not self._file.is_file():
            raise UserError(f"progress.heartbeat is {self._file}, which is no file: name one that may be written")

    @property
    def due(self) -> bool:
        """Whether something would be said now."""
        return self._file is not None and time.monotonic() >= self._next

    def beat(self, words: str) -> None:
        """Say what is being done, unless that was said less than a second ago."""
        if self._file is None or not self.due:
            return
        self._next = time.monotonic() + _SECONDS
        with suppress(OSError):  # a run does not end because nobody can hear that it lives
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(words)

    @contextmanager
    def going_on(self, words: str) -> Iterator[None]:
        """Say all the while that something is being done which has no steps, such as to wait for another process."""
        if self._file is None:
            yield
            return
        over = threading.Event()

        def say() -> None:
            while not over.wait(_SECONDS / 4):
                self.beat(words)

        beating = threading.Thread(target=say, daemon=True)
        beating.start()
        try:
            yield
        finally:
            over.set()
            beating.join()


@dataclass(frozen=True)
class Beat:
    """A heartbeat as it is found. Attributes: moment: When it was, by the file's clock, in ns. words: What is done."""

    moment: int
    words: str


def last_beat(file: Path) -> Beat | None:
    """Return the last heartbeat in a file; None where there is none."""
    try:
        return Beat(file.stat().st_mtime_ns, file.read_text(errors="replace"))
    except OSError:
        return None
