"""What is said of levels whose numbers are no ordinary results."""

import math
from dataclasses import replace

import pytest

from sdd.analysis.level_warnings import LevelNumbers, Yardstick, level_warnings

# Guessing gets 100 of 1,000 right, give or take 9.49; twice that above is 11.9 %.
YARDSTICK = Yardstick(small_loss=2.5, guessed=0.1, examples=1000, against_collapse="do otherwise")


def curve(accuracies, **numbers):
    """Return levels with these training accuracies, each with a test accuracy of its own."""
    return [
        LevelNumbers(
            level, 50, 2, train_loss=1.0, train_acc=accuracy, test_acc=0.5 + level / 1000, moved=1.0, **numbers
        )
        for level, accuracy in enumerate(accuracies)
    ]


def said(levels, yardstick=YARDSTICK):
    return [(one.kind, one.text.partition(":")[0]) for one in level_warnings(levels, yardstick)]


def changed(levels, number, **numbers):
    return [replace(one, **numbers) if one.level == number else one for one in levels]


# A double descent that ends in collapse, as digits have it; below 11.9 % nothing is learnt.
ORDINARY = curve([1.0, 1.0, 0.9, 0.7, 0.6, 0.5, 0.3, 0.11, 0.2, 0.118, 0.1, 0.1])


def test_an_ordinary_curve_that_ends_in_collapse_says_nothing():
    assert said(ORDINARY) == []
    assert said([replace(one, test_acc=0.1) if one.level > 5 else one for one in ORDINARY]) == []


def test_a_loss_explodes_beyond_a_hundred_times_that_of_small_outputs():
    assert said(changed(ORDINARY, 3, train_loss=250.0)) == []
    (one,) = level_warnings(changed(ORDINARY, 3, train_loss=250.1), YARDSTICK)
    assert (one.kind, one.level) == ("exploded", 3)
    assert one.text.startswith("level 3: training exploded: the loss at the end of level 3 is 250, more than 100 times")
    assert "lower --model.optimizer.lr or clip gradients (--trainer.gradient_clip_val)" in one.text


def test_an_epoch_that_exploded_is_named_with_its_step_and_the_levels_that_share_it():
    exploded = {"exploded_epoch": 4, "exploded_step": 77, "exploded_loss": 3.2e15, "rate": "--pruning.finetune_lr"}
    levels = [replace(one, **exploded, train_acc=0.1) if one.level in {1, 2} else one for one in ORDINARY]
    (one,) = level_warnings(levels, YARDSTICK)
    assert one.text.startswith(
        "levels 1 to 2: training exploded: the mean loss of epoch 4 of level 1, from step 77 on, is 3.2e+15, more"
    )
    assert "lower --pruning.finetune_lr" in one.text


def test_where_small_outputs_tell_nothing_no_loss_has_exploded():
    assert said(changed(ORDINARY, 3, train_loss=1e30), replace(YARDSTICK, small_loss=math.nan)) == []


def test_a_dead_layer_is_named_where_it_dies():
    levels = [replace(one, dead=["a"] if one.level < 9 else ["a", "b"]) for one in ORDINARY if one.level > 6]
    first, second = level_warnings(changed(levels, 9, remaining=1), YARDSTICK)
    assert first.text == "level 7: no weight of a remains, though 50 do in other layers: do otherwise"
    assert second.text == "level 9: no weight of b remains: there are 1 weights for 2 layers; prune less"


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ([0.118], ["level 0"]),
        ([0.12], []),
        ([0.1, 0.1, 0.1], ["levels 0 to 2"]),
        ([0.1, 0.1, 0.9, 0.1, 0.1], ["levels 0 to 1"]),
        ([0.9, 0.1, 0.51, 0.1], ["level 1"]),  # 0.41 beyond guessing is more than half of 0.8
        ([0.9, 0.1, 0.49, 0.1], []),
        ([0.9, math.nan], []),
    ],
)
def test_levels_that_learn_nothing(accuracies, expected):
    assert said(curve(accuracies)) == [("unlearnt", levels) for levels in expected]


def test_what_has_another_cause_is_not_said_to_learn_nothing():
    for cause, kind in (({"train_loss": 1e9}, "exploded"), ({"dead": ["a"]}, "dead"), ({"moved": 0.0}, "unmoved")):
        assert said(changed(curve([0.1, 0.9]), 0, **cause)) == [(kind, "level 0")]


def test_weights_that_stay_where_they_were():
    levels = [replace(one, moved=0.0) for one in curve([1.0] * 3)]
    (one,) = level_warnings(levels, YARDSTICK)
    assert one.text == ("levels 0 to 2: training has moved no weight (distance_start 0): raise --model.optimizer.lr")


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ([0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.5], ["levels 1 to 5"]),
        ([0.5, 0.6, 0.6, 0.6, 0.6, 0.5], []),
        ([1.0] * 8, []),
        ([math.nan] * 8, []),
    ],
)
def test_a_test_accuracy_that_does_not_change(accuracies, expected):
    levels = [replace(one, test_acc=accuracy) for one, accuracy in zip(curve([0.9] * 8), accuracies, strict=False)]
    assert said(levels) == [("unchanged", levels) for levels in expected]


def test_what_was_said_stays_said_as_the_run_goes_on():
    levels = changed(curve([0.1, 0.3, 0.3, 0.3, 0.1, 0.9, 0.4, 0.1, 0.1]), 2, train_loss=1e9)
    before = []
    for number in range(1, len(levels) + 1):
        now = [(one.kind, one.level) for one in level_warnings(levels[:number], YARDSTICK)]
        assert set(before) <= set(now)
        before = now
    assert before == [("unlearnt", 0), ("exploded", 2), ("unlearnt", 4)]
