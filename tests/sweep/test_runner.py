"""What a sweep does with its runs, with an engine that only pretends to train."""

import json
import os
import shutil
import signal
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from sdd.errors import UserError
from sdd.locks import try_lock
from sdd.runs.settings import Settings
from sdd.sweep.engine import threads_of
from sdd.sweep.fit_process import Outcome, failure_reason
from sdd.sweep.fit_servers import FitServers
from sdd.sweep.grid_run import say_results
from sdd.sweep.local_engine import LocalEngine, cores, usual_workers
from sdd.sweep.planned_run import PlannedRun
from sdd.sweep.runner import SweepRunner
from sdd.sweep.silence import Watch, timeout_of
from sdd.sweep.stop_signals import StopSignals

VALUES = {"pruning.levels": 3, "pruning.sparsities": None, "seed_everything": 0, "threads": None}
SETTINGS = Settings({"pruning.levels": 3}, VALUES)
LEVELS = 4
NINE_LEVELS = Settings({"pruning.levels": 9}, VALUES | {"pruning.levels": 9})


class Pretender:
    """Finishes a run as soon as it has it, unless told otherwise.

    Args:
        ends: What to do with runs by label, instead.
        at_once: How many it takes.
    """

    def __init__(self, ends=None, at_once=2):
        self.at_once, self._ends, self.seen, self.most, self._open = at_once, ends or {}, [], 0, {}
        self.asked = []

    def submit(self, run, directory):
        self.seen.append(run.label)
        future = Future()
        self._open[future] = run
        self.most = max(self.most, sum(not future.done() for future in self._open))
        end = self._ends.get(run.label, finish)
        outcome = end(run)
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        elif outcome is not None:
            future.set_result(outcome)
        return future

    def stop(self):
        self.asked.append("stop")
        for future in self._open:
            if not future.done():
                future.set_result(Outcome(130, "interrupted"))

    def end(self, run):
        self.asked.append(f"end {run.label}")
        for future, its in self._open.items():
            if its is run:
                future.set_result(Outcome(-9, "killed by SIGKILL"))

    def kill(self):
        self.asked.append("kill")

    def close(self):
        self.asked.append("close")


def start(run, settings=None):
    run.path.mkdir(parents=True)
    (run.path / "settings.json").write_text(json.dumps((settings or run.settings).content()))
    (run.path / "config.yaml").write_text("")


def finish(run):
    if not run.path.exists():
        start(run)
    (run.path / "curve.csv").write_text("level\n0\n1\n2\n3\n")
    (run.path / "summary.json").write_text(json.dumps({"double_descent": False}))
    return Outcome(0)


def runs_in(folder, count=4):
    return [PlannedRun(f"seed={n}", ("fit",), Path(folder) / f"run-{n}", SETTINGS, LEVELS) for n in range(count)]


def run_sweep(runs, engine, stop=None, leave_others=False):
    results = SweepRunner(runs, engine, stop or StopSignals(), leave_others=leave_others).run()
    return {result.run.label: (result.end, result.reason) for result in results}


def ends(results):
    return [results[label][0] for label in sorted(results)]


def test_every_run_is_started_once_and_finishes(tmp_path):
    engine = Pretender()
    assert ends(run_sweep(runs_in(tmp_path), engine)) == ["finished"] * 4
    assert engine.seen == ["seed=0", "seed=1", "seed=2", "seed=3"]


def test_no_more_are_at_work_than_the_engine_takes(tmp_path):
    engine = Pretender({f"seed={n}": lambda run: None for n in range(4)}, at_once=3)
    stop = StopSignals()
    original, engine.submit = engine.submit, lambda run, directory: submitted(run, directory)

    def submitted(run, directory):
        future = original(run, directory)
        if len(engine.seen) == 3:
            stop._note(signal.SIGTERM, None)
        return future

    results = run_sweep(runs_in(tmp_path), engine, stop)
    assert engine.most == 3
    assert ends(results) == ["stopped"] * 4
    assert engine.asked[0] == "stop"


def test_finished_runs_are_skipped_and_unfinished_ones_go_on(tmp_path, capsys):
    runs = runs_in(tmp_path)
    finish(runs[1])
    start(runs[2])
    engine = Pretender()
    assert ends(run_sweep(runs, engine)) == ["finished", "skipped", "finished", "finished"]
    assert "seed=1" not in engine.seen
    assert "skipped   seed=1" in capsys.readouterr().out


def test_one_that_fails_does_not_stop_the_others_and_its_reason_is_kept(tmp_path, capsys):
    engine = Pretender({"seed=1": lambda run: Outcome(2, "training diverged")})
    results = run_sweep(runs_in(tmp_path), engine)
    assert ends(results) == ["finished", "failed", "finished", "finished"]
    assert results["seed=1"] == ("failed", "training diverged")
    assert "training diverged" in capsys.readouterr().out


def test_a_run_that_ends_well_without_a_summary_has_failed(tmp_path):
    results = run_sweep(runs_in(tmp_path), Pretender({"seed=0": lambda run: Outcome(0)}))
    assert results["seed=0"] == ("failed", "it ended without run-0/summary.json")


def test_a_run_that_was_killed_after_its_last_word_is_finished(tmp_path):
    results = run_sweep(runs_in(tmp_path), Pretender({"seed=0": lambda run: finish(run) and Outcome(-15, "killed")}))
    assert results["seed=0"] == ("finished", "")


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (
            lambda run: start(run, Settings({"pruning.levels": 9}, VALUES | {"pruning.levels": 9})),
            "pruning.levels is 3 but was 9",
        ),
        (lambda run: run.path.write_text(""), "is a file"),
        (lambda run: (run.path.mkdir(), (run.path / "x").write_text("")), "holds no run"),
        (lambda run: (start(run), (run.path / "settings.json").write_text("{")), "is damaged"),
        (
            lambda run: (start(run), (run.path / "settings.json").write_text("[" * 100_000)),
            "is damaged: maximum rec",
        ),
        (lambda run: run.claim.mkdir(parents=True), ".claims/run-0 cannot be locked"),
    ],
)
def test_a_folder_with_something_else_fails_that_run_alone(tmp_path, prepare, said):
    runs, engine = runs_in(tmp_path), Pretender()
    prepare(runs[0])
    results = run_sweep(runs, engine)
    assert results["seed=0"][0] == "failed"
    assert said in results["seed=0"][1]
    assert ends(results)[1:] == ["finished"] * 3
    assert "seed=0" not in engine.seen


def broken(how, outcome):
    """Return what an engine does with a run whose folder is broken while it is at work."""

    def end(run):
        start(run)
        how(run)
        return outcome

    return end


@pytest.mark.parametrize(
    ("how", "outcome", "reason"),
    [
        (lambda run: (run.path / "settings.json").unlink(), Outcome(-9, "killed by SIGKILL"), "killed by SIGKILL"),
        (lambda run: shutil.rmtree(run.path), Outcome(0), "it ended without run-1/summary.json"),
        (lambda run: (shutil.rmtree(run.path), run.path.write_text("")), Outcome(0), "is a file"),
        (lambda run: (run.path / "settings.json").write_text("[]"), Outcome(1, "exit status 1"), "exit status 1; "),
        (lambda run: (run.path / "settings.json").write_text("[" * 10**5), Outcome(0), "is damaged: maximum rec"),
        (lambda run: (run.path / "curve.csv").mkdir(), Outcome(0), "it ended without run-1/summary.json"),
        (lambda run: shutil.rmtree(run.claim.parent), Outcome(0), "it ended without run-1/summary.json"),
    ],
)
def test_a_folder_that_breaks_under_its_run_fails_that_run_alone(tmp_path, capsys, how, outcome, reason):
    results = SweepRunner(
        runs_in(tmp_path), Pretender({"seed=1": broken(how, outcome)}), StopSignals(), leave_others=False
    ).run()
    assert [result.end for result in sorted(results, key=lambda result: result.run.label)] == [
        "finished",
        "failed",
        "finished",
        "finished",
    ]
    assert not say_results(results, [])
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  failed   seed=1: "))
    assert reason in line


def test_what_an_engine_raises_is_why_that_run_failed(tmp_path):
    results = run_sweep(runs_in(tmp_path), Pretender({"seed=2": lambda run: OSError("no such machine")}))
    assert results["seed=2"] == ("failed", "OSError: no such machine")
    assert ends(results) == ["finished", "finished", "failed", "finished"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(1, "exit status 1; its log cannot be read: No such file"), (-9, "killed by SIGKILL (out of")],
)
def test_a_failure_has_a_reason_though_its_log_is_gone(tmp_path, status, reason):
    assert failure_reason(status, tmp_path / "logs" / "gone.log", 10).startswith(reason)


def hangs(run):
    """Begin, say what is done, and never be heard of again."""
    start(run)
    run.heartbeat.parent.mkdir(exist_ok=True)
    run.heartbeat.write_text("level 1 of 3, epoch 7 of 40")


@pytest.mark.slow
def test_a_run_that_gives_no_sign_of_life_is_ended_and_named_and_the_others_run(tmp_path, monkeypatch):
    clock = [0.0]

    def passing():
        clock[0] += 7.0  # between any two looks at the clock
        return clock[0]

    monkeypatch.setattr("sdd.sweep.silence.time.monotonic", passing)
    engine = Pretender({"seed=1": hangs})
    results = SweepRunner(
        runs_in(tmp_path), engine, StopSignals(), leave_others=False, timeout=timedelta(minutes=30)
    ).run()
    found = {result.run.label: (result.end, result.reason) for result in results}
    assert ends(found) == ["finished", "failed", "finished", "finished"]
    assert found["seed=1"][1] == "no sign of life for 0:30:00 (--timeout), level 1 of 3, epoch 7 of 40"
    assert engine.asked.count("end seed=1") == 1


def test_a_run_that_beats_or_prints_is_left_alone_and_one_that_waits_for_room_too(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("sdd.sweep.silence.time.monotonic", lambda: clock[0])
    (run,) = runs_in(tmp_path, 1)
    watch = Watch(run)
    clock[0] = 100.0
    watch.look()
    assert (watch.since, watch.silence, watch.words()) == (None, 0.0, "not yet started")
    run.log.parent.mkdir()
    run.log.write_text("$ command")
    watch.look()
    clock[0] = 130.0
    watch.look()
    assert (watch.since, watch.silence) == (100.0, 30.0)
    assert watch.words() == "starting, at work for 0:00:30, last heard of 0:00:30 ago"
    hangs(run)
    watch.look()
    clock[0] = 131.0
    watch.look()
    assert watch.words() == "level 1 of 3, epoch 7 of 40, at work for 0:00:31, last heard of 0:00:01 ago"
    os.utime(run.heartbeat, ns=(1, 1))  # the same words at another moment
    watch.look()
    assert watch.silence == 0.0


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("90s", timedelta(seconds=90)),
        ("1.5h", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("00:01:30:00", timedelta(minutes=90)),
    ],
)
def test_durations(text, time):
    assert timeout_of(text) == time


@pytest.mark.parametrize("text", ["", "0s", "30", "-1m", "1y", "00:00:00:00", "nan", "1:2", "9" * 400 + "d"])
def test_what_is_no_duration_is_said_in_one_line(text):
    with pytest.raises(UserError, match=r"--timeout is .*; it must be a time above 0, such as 90s"):
        timeout_of(text)


def claimed(run, stack):
    run.claim.parent.mkdir(parents=True, exist_ok=True)
    assert stack.enter_context(try_lock(run.claim, "another sweep")) is None


def test_runs_that_another_sweep_has_in_work_are_passed_over(tmp_path):
    runs, engine = runs_in(tmp_path), Pretender(at_once=1)
    with ExitStack() as other:
        claimed(runs[0], other)
        results = run_sweep(runs, engine, leave_others=True)
    assert ends(results) == ["elsewhere", "finished", "finished", "finished"]
    assert engine.seen == ["seed=1", "seed=2", "seed=3"]


@pytest.mark.parametrize(("finished_there", "end"), [(True, "skipped"), (False, "finished")])
def test_runs_of_another_sweep_are_waited_for_and_taken_over_where_it_leaves_them(tmp_path, finished_there, end):
    runs, engine, other = runs_in(tmp_path, 2), Pretender(), ExitStack()
    claimed(runs[0], other)

    def other_ends(run):
        if finished_there:
            finish(runs[0])
        other.close()
        return finish(run)

    engine._ends["seed=1"] = other_ends
    assert ends(run_sweep(runs, engine)) == [end, "finished"]


def test_claims_are_given_back(tmp_path):
    runs = runs_in(tmp_path)
    run_sweep(runs, Pretender({"seed=1": lambda run: Outcome(2, "no")}))
    with ExitStack() as stack:
        for run in runs:
            claimed(run, stack)


def test_after_a_signal_nothing_is_started(tmp_path):
    stop, engine = StopSignals(), Pretender()
    stop._note(signal.SIGINT, None)
    results = run_sweep(runs_in(tmp_path), engine, stop)
    assert ends(results) == ["stopped"] * 4
    assert engine.seen == []
    assert stop.status == 130


def test_signals_are_counted_and_the_handlers_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals() as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert (stop.first, stop.count, stop.status) == (signal.SIGTERM, 2, 143)
    assert signal.getsignal(signal.SIGTERM) == before


def test_signals_that_were_ignored_still_are():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with StopSignals() as stop:
            signal.raise_signal(signal.SIGHUP)
        assert stop.first is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_process_that_cannot_be_started_is_a_run_that_failed(tmp_path, monkeypatch):
    monkeypatch.setattr("sdd.sweep.fit_servers.can_fork", lambda: False)  # which would first import everything
    runs, engine = runs_in(tmp_path, 1), LocalEngine(1, FitServers())
    (tmp_path / "logs").write_text("where the logs' folder should be")
    results = run_sweep(runs, engine)
    engine.close()
    assert results["seed=0"][0] == "failed"
    assert results["seed=0"][1].startswith("it cannot be started: ")


def test_a_server_that_cannot_be_started_is_done_without(tmp_path, monkeypatch):
    def refused(*arguments):
        raise BlockingIOError("no room for a further process")

    monkeypatch.setattr("sdd.sweep.fit_servers.can_fork", lambda: True)
    monkeypatch.setattr("sdd.sweep.fit_servers.ForkServer", refused)
    with FitServers() as servers:
        assert servers.start(tmp_path, {}) is None
        assert servers.client(tmp_path, {}) is None


def test_threads_are_shared_only_where_the_settings_leave_them_open(tmp_path):
    (run,) = runs_in(tmp_path, 1)
    assert threads_of(run, 2) == {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    assert threads_of(run, 0) == {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    pinned = PlannedRun(run.label, run.arguments, run.path, Settings({"threads": 1}, VALUES | {"threads": 1}), LEVELS)
    assert threads_of(pinned, 2) == {}


@pytest.mark.parametrize(
    ("settings", "workers"),
    [
        ([{"threads": 1, "trainer.accelerator": "cpu"}] * 2, cores()),
        ([{"threads": 1, "trainer.accelerator": "cpu"}, {"threads": 10**3, "trainer.accelerator": "cpu"}], 1),
        ([{"threads": 1, "trainer.accelerator": "cpu"}, {"threads": None, "trainer.accelerator": "cpu"}], 1),
        ([{"threads": 1, "trainer.accelerator": "auto"}], 1),
        ([], 1),
    ],
)
def test_runs_that_say_what_they_use_are_as_many_at_once_as_there_are_cores(tmp_path, settings, workers):
    (run,) = runs_in(tmp_path, 1)
    runs = [
        PlannedRun(run.label, run.arguments, run.path, Settings(chosen, VALUES | chosen), LEVELS) for chosen in settings
    ]
    assert usual_workers(runs) == workers
