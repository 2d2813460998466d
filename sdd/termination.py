"""Ctrl-C and SIGTERM around a training, in a drawing, and while a process ends."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from sdd.console import say

_INTERRUPTING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")


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


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let signals that interrupt wait until this is done, for code that would lose an interrupt or fail of it.

    matplotlib is such: an exception in one of its many weak references is printed and forgotten by Python, and one in
    an argument of its compiled code ends in an error of another kind.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting = dict[int, None]()
    before = dict[int, Any]()
    try:
        for number in (getattr(signal, name) for name in _INTERRUPTING if hasattr(signal, name)):
            if callable(handler := signal.getsignal(number)):
                before[number] = handler
                signal.signal(number, lambda number, _: waiting.setdefault(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        with ExitStack() as heard:  # each of them, also where the first raises
            for number in reversed(waiting):
                heard.callback(signal.raise_signal, number)


def take_time_to_end() -> None:
    """Take no notice of Ctrl-C and of one SIGTERM from now on: all is put away, but loggers may still deliver."""

    def wait(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        say("sdd: asked to end while ending; once its loggers have delivered, or at another SIGTERM", error=True)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, wait)
