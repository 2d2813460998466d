"""The axis of loggers that have whole numbers only, and the scalars that every logger gets."""

import pytest

from sdd.callbacks.measuring import RESERVED
from sdd.tracking.run_scalars import level_scalars, run_scalars
from sdd.tracking.step_axis import over_remaining, step_of


@pytest.mark.parametrize(
    ("fractions", "step"),
    [([1.0], 0), ([1.0, 0.1], 1000), ([1.0, 0.01], 2000), ([0.0005], 3301), ([1.0, 0.8], 97), ([1.0, 0.1, 0.0], 1500)],
)
def test_a_thousand_steps_are_a_tenth_of_the_weights(fractions, step):
    assert step_of([{"remaining_fraction": fraction} for fraction in fractions]) == step


def test_only_measures_are_drawn_over_it():
    row = {"level": 1, "sparsity": 0.5, "remaining": 3, "remaining_fraction": 0.5, "test_acc": 0.25, "seconds": 1.0}
    assert over_remaining(row) == {"over_remaining_fraction/test_acc": 0.25}


# Falls by 10 points, climbs by 20: a depth of 0.1 as soon as half of it is won back.
ACCURACIES = [0.7, 0.69, 0.65, 0.6, 0.66, 0.75, 0.8, 0.75]
ROWS = [{"level": level, "sparsity": 1 - 0.5**level, "test_acc": value} for level, value in enumerate(ACCURACIES)]


def test_depth_is_0_until_there_is_a_trough():
    found = [level_scalars(ROWS[: count + 1])["depth"] for count in range(len(ROWS))]
    assert found[:4] == [0.0] * 4
    assert found[4:] == pytest.approx([0.1] * 4)
    assert "depth" in RESERVED, "no measure of one's own takes its place"


def test_the_best_of_a_level_is_that_of_its_epochs_where_they_were_measured():
    assert [level_scalars(ROWS[: count + 1])["best_test_acc"] for count in range(len(ROWS))] == ACCURACIES
    measured = [*ROWS, {"level": 8, "sparsity": 0.999, "test_acc": 0.3, "best_test_acc": 0.9}]
    assert level_scalars(measured)["best_test_acc"] == run_scalars(measured)["best_test_acc"] == 0.9
    assert run_scalars(ROWS)["best_test_acc"] == 0.8


def test_a_run_without_test_accuracy_has_no_best_one():
    assert (
        run_scalars([{"level": 0, "sparsity": 0.0}]) == level_scalars([{"level": 0, "sparsity": 0.0}]) == {"depth": 0.0}
    )
