"""SIGTERM before, during and after a training, and while a process ends."""

import os
import signal
import subprocess
import sys
import time
from threading import Thread

import lightning.pytorch as pl
import pytest

from sdd.termination import interrupted_by_sigterm
from tests.small import PROJECT


def _ask_to_end():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.01)  # another thread may be given it, and tells this one


def test_sigterm_is_an_interrupt_and_then_again_what_it_was():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interrupted_by_sigterm():
        _ask_to_end()
    assert signal.getsignal(signal.SIGTERM) is before


def test_lightnings_handler_is_left_to_end_a_training():
    connector = pl.Trainer(logger=False, enable_checkpointing=False)._signal_connector
    with interrupted_by_sigterm():
        connector.register_signal_handlers()
        try:
            _ask_to_end()
            assert connector.received_sigterm
        finally:
            connector.teardown()
        with pytest.raises(KeyboardInterrupt):
            _ask_to_end()


def test_a_thread_leaves_signals_alone():
    def look():
        with interrupted_by_sigterm():
            seen.append(signal.getsignal(signal.SIGTERM))

    seen = []
    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize("times", [1, 2])
def test_a_process_that_ends_takes_its_time_unless_it_is_asked_twice(times):
    code = f"""if True:
        import atexit, os, signal
        from sdd.termination import take_time_to_end
        atexit.register(print, "delivered")
        take_time_to_end()
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range({times}):
            os.kill(os.getpid(), signal.SIGTERM)
    """
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == (0 if times == 1 else -signal.SIGTERM)
    assert ("delivered" in ended.stdout) == (times == 1)
    assert ended.stderr.count("asked to end while ending") == 1
