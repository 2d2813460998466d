"""Runs of a sweep that is killed again and again end as if each had been trained alone."""

import pytest

from tests.durability.load import GROWTH, Load, load, row


def test_growth_is_of_memory_in_a_hundred_runs():
    assert Load(memory=[(ended, 100.0) for ended in range(1, 31)]).growth == 0
    leaking = Load(memory=[(ended, 100 + 0.1 * ended) for ended in range(1, 31)])
    assert leaking.growth == pytest.approx(10)
    assert leaking.growth > GROWTH
    assert Load().growth == 0
    assert Load(memory=[(1, 100.0), (2, 100.4), (3, 100.8)]).growth == 0, "too few runs to tell"


def test_a_row_says_what_was_done_how_often():
    found = Load(starts=3, wrong=["seed 1 has no curve"])
    found.kills.update({"SIGKILL of a run": 5, "SIGTERM to the sweep": 2})
    assert row(found, 9) == (
        "| load: 9 runs of a sweep, started 3 times | 5 SIGKILL of a run, 2 SIGTERM to the sweep | 1 |"
    )


@pytest.mark.slow
def test_killed_runs_and_sweeps_lose_nothing(tmp_path):
    found = load(tmp_path, runs=6, workers=2, kills=3, seed=3)
    assert found.wrong == []
    assert found.kills.total() == 3
