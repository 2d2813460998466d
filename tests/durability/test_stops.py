"""A run that is stopped at any moment ends, given again, as if it had never been stopped."""

import random
import signal

import pytest

from tests.durability.experiments import DDP, EXPERIMENTS
from tests.durability.injections import STOP, parts
from tests.durability.operations import Operation, Stop
from tests.durability.runs import Signal
from tests.durability.stops import CTRL_C_TWICE, SIGNALS, TERM, Stopped, spread


def test_stops_are_spread_over_operations_and_kinds():
    operations = [Operation("open", str(number)) for number in range(10)]
    assert len(set(spread(operations, 99))) == 30
    few = spread(operations, 10)
    assert [stop.at for stop in few] == list(range(10))
    assert spread(operations, 10, start=1) != few


def test_injections_are_shared_among_runs():
    shared = parts(["a", "b", "c"], {STOP: 10}, seed=0)
    assert [part.count for each in shared for part in each] == [3, 3, 4]
    assert [part.first for each in shared for part in each] == [0, 3, 6]


def test_a_run_that_is_stopped_at_a_file_operation_loses_nothing(tiny):
    assert len(tiny.operations()) > 100
    for stop in spread(tiny.operations(), 3, start=1):
        outcome = tiny.at(stop)
        assert not outcome.wrong, outcome


def test_a_start_that_is_stopped_can_be_given_again(tiny):
    first = next(number for number, done in enumerate(tiny.operations()) if done.target.endswith("config.yaml"))
    outcome = tiny.at(Stop(first, "SIGKILL"))
    assert not outcome.wrong, outcome


@pytest.mark.parametrize("by", [TERM, CTRL_C_TWICE])
def test_a_run_that_is_sent_signals_loses_nothing(tiny, by):
    outcome = tiny.sent(by, random.Random(0))
    assert not outcome.wrong, outcome


def test_a_signal_reaches_a_run(runner, tiny):
    folder = runner.start(tiny.case, "signalled at once")
    end = runner.run(["fit"], folder, signals=[Signal(signal.SIGTERM, 0.0, to_all=False)])
    assert (end.status, end.sent, end.left) == (-signal.SIGTERM, 1, False)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_kind_of_run_that_is_stopped_loses_nothing(runner, name):
    stopped = Stopped(runner, EXPERIMENTS[name])
    draws = random.Random(name)
    outcomes = [stopped.at(stop) for stop in spread(stopped.operations(), 1, start=sum(map(ord, name)))]
    if EXPERIMENTS[name] is DDP:
        outcomes += [stopped.at(stop) for stop in spread(stopped.operations(1), 1, process=1)]
    outcomes.append(stopped.sent(draws.choice(SIGNALS), draws))
    assert not [outcome for outcome in outcomes if outcome.wrong]
