import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sdd.errors import UserError
from sdd.pruning.masks import count_remaining, dead_layers
from sdd.pruning.schedule import Schedule, prune


@given(st.integers(0, 10**8), st.integers(1, 99))
def test_each_geometric_level_removes_the_ceiling_of_the_decimal_share(remaining, percent):
    removed = Schedule(30, percent / 100).count(1, remaining, 10**8)
    assert removed == math.ceil(Fraction(percent, 100) * remaining)


def test_binary_rounding_removes_no_weight_too_many():
    assert 0.07 * 100 > 7
    assert Schedule(1, 0.07).count(1, 100, 100) == 7


def test_a_lenet_is_emptied_exactly_as_by_hand():
    masks = {"a": torch.ones(30, 10, dtype=torch.bool), "b": torch.ones(10, 5, dtype=torch.bool)}
    scores = {name: torch.rand(mask.shape) for name, mask in masks.items()}
    schedule, remaining = Schedule(34, 0.2), 350
    for level in range(1, 35):
        pruned = prune(scores, masks, schedule, level, "global")
        remaining -= -(-remaining // 5)
        assert count_remaining(pruned) == remaining
        assert all(not bool((pruned[name] & ~masks[name]).any()) for name in masks)
        masks = pruned
    assert remaining == 0
    assert dead_layers(masks) == ["a", "b"]


def test_a_list_of_sparsities_removes_up_to_each():
    masks = {"a": torch.ones(1000, dtype=torch.bool)}
    scores = {"a": torch.rand(1000)}
    schedule = Schedule(0, 0.2, [0.5, 0.9, 0.9995, 1.0])
    removed = []
    for level in range(1, 5):
        masks = prune(scores, masks, schedule, level, "global")
        removed.append(1000 - count_remaining(masks))
    assert removed == [500, 900, 1000, 1000]
    assert schedule.last_level == 4


def test_layer_scope_counts_in_each_tensor():
    masks = {"a": torch.ones(10, dtype=torch.bool), "b": torch.ones(7, dtype=torch.bool)}
    scores = {"a": torch.arange(10.0), "b": torch.arange(7.0) + 100}
    pruned = prune(scores, masks, Schedule(1, 0.3), 1, "layer")
    assert pruned["a"].tolist() == [False] * 3 + [True] * 7
    assert pruned["b"].tolist() == [False] * 3 + [True] * 4
    assert not bool(prune(scores, masks, Schedule(1, 0.3), 1, "global")["a"][:6].any())


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((-1, 0.2), "levels"),
        ((3, 0.0), "fraction"),
        ((3, 1.0), "fraction"),
        ((3, float("nan")), "fraction"),
        ((3, 0.2, []), "empty"),
        ((3, 0.2, [0.5, 0.5]), "rise"),
        ((3, 0.2, [0.9, 0.5]), "rise"),
        ((3, 0.2, [0.0, 0.5]), "dense"),
        ((3, 0.2, [0.5, 1.1]), "exceeds 1"),
        ((3, 0.2, [float("nan")]), "rise"),
    ],
)
def test_impossible_schedules_are_refused_in_one_line(arguments, word):
    with pytest.raises(UserError, match=word) as caught:
        Schedule(*arguments)
    assert "\n" not in str(caught.value)
