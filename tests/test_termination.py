"""SIGTERM before, during and after a training, and while a process ends."""

import os
import signal
import subprocess
import sys
import time
import weakref
from threading import Thread

import lightning.pytorch as pl
import pytest
from matplotlib.figure import Figure

from sdd.analysis.drawing import write_figure
from sdd.termination import interrupted_by_sigterm, interrupts_held
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_where_it_would_be_lost(number):
    @interrupts_held()
    def work():
        signal.raise_signal(number)
        signal.raise_signal(number)
        done.append("all")

    done = []
    with interrupted_by_sigterm():
        before = signal.getsignal(number)
        with pytest.raises(KeyboardInterrupt):
            work()
        assert signal.getsignal(number) is before
    assert done


def test_each_signal_that_waits_is_heard_though_the_first_one_interrupts():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("SIGTERM"))
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupts_held()(lambda: [signal.raise_signal(one) for one in (signal.SIGINT, signal.SIGTERM)])()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == ["SIGTERM"]


def test_an_error_is_told_where_nothing_has_interrupted():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="no"), interrupts_held():
        raise ValueError("no")
    assert signal.getsignal(signal.SIGINT) is before


def test_signals_that_nothing_answers_are_left_alone():
    code = """if True:
        import signal
        from sdd.termination import interrupts_held
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            print("still here", flush=True)
            signal.raise_signal(signal.SIGTERM)
            print("not here")
    """
    ended = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, "still here\n")


def test_a_picture_is_drawn_to_its_end_before_an_interrupt_is_heard(tmp_path, monkeypatch, capfd):
    class Part:
        """What matplotlib watches by weak references, whose exceptions nobody gets."""

    def draw_and_interrupt(*args, **options):
        part = Part()
        seen = weakref.ref(part, lambda _: signal.raise_signal(signal.SIGINT))
        del part
        assert seen() is None
        draw(*args, **options)

    draw = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", draw_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_figure(Figure(), tmp_path / "figure.png", 50)
    assert (tmp_path / "figure.png").stat().st_size > 0
    assert not capfd.readouterr().err


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
