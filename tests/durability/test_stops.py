"""A run that is stopped at any of its file operations ends, given again, as if it had never been stopped."""

import pytest

from tests.durability.operations import Operation, Stop
from tests.durability.runs import EXPERIMENTS
from tests.durability.stops import Stopped, spread


def test_stops_are_spread_over_operations_and_kinds():
    operations = [Operation("open", str(number)) for number in range(10)]
    assert len(set(spread(operations, 99))) == 30
    few = spread(operations, 10)
    assert [stop.at for stop in few] == list(range(10))
    assert spread(operations, 10, start=1) != few


def test_a_run_that_is_stopped_at_a_file_operation_loses_nothing(tiny):
    assert len(tiny.operations) > 100
    for stop in spread(tiny.operations, 3, start=1):
        outcome = tiny.at(stop)
        assert not outcome.wrong, outcome


def test_a_start_that_is_stopped_can_be_given_again(tiny):
    first = next(number for number, done in enumerate(tiny.operations) if done.target.endswith("config.yaml"))
    outcome = tiny.at(Stop(first, "SIGKILL"))
    assert not outcome.wrong, outcome


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_kind_of_run_that_is_stopped_loses_nothing(runner, name):
    stopped = Stopped(runner, EXPERIMENTS[name])
    for stop in spread(stopped.operations, 2, start=2):
        outcome = stopped.at(stop)
        assert not outcome.wrong, outcome
