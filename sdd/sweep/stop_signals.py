"""Signals that ask a sweep to end, remembered instead of obeyed on the spot."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")


class Stopped(Exception):  # noqa: N818 - not an error
    """The sweep was asked to end before it had started a run."""


class StopSignals:
    """While it is entered, Ctrl-C, SIGTERM and SIGHUP are counted; the first one is kept.

    One that was ignored before, as `nohup` does with SIGHUP, still is.
    """

    def __init__(self) -> None:
        self.first: signal.Signals | None = None
        self.count = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopSignals":
        self.catch()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def catch(self) -> None:
        """Install the handlers, again where a library has put its own in their place."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (getattr(signal, name) for name in _STOPPING if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before = signal.signal(number, self._note)
                self._before.setdefault(number, before)

    def check(self) -> None:
        """Raise Stopped where one has come."""
        if self.first is not None:
            raise Stopped

    @property
    def status(self) -> int:
        """The exit status that tells of the signal: 130 after Ctrl-C, 143 after SIGTERM."""
        return 0 if self.first is None else 128 + self.first

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.first = self.first or signal.Signals(number)
        self.count += 1
