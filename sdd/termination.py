"""SIGTERM while Lightning does not listen: before and after its training, and while a process ends."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sdd.console import say


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, so that what has been started, such as a run on W&B, is ended as well.

    While Lightning trains it puts a handler of its own in place, which ends the training at its next step and then
    asks the one that was there before; that one does nothing then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if signal.getsignal(signal.SIGTERM) is interrupt:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def take_time_to_end() -> None:
    """Take no notice of Ctrl-C and of one SIGTERM from now on: all is put away, but loggers may still deliver."""

    def wait(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        say("sdd: asked to end while ending; once its loggers have delivered, or at another SIGTERM", error=True)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, wait)
