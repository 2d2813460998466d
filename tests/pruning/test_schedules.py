import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sdd.errors import UserError
from sdd.pruning.masks import count_remaining, dead_layers
from sdd.pruning.prune import prune
from sdd.pruning.schedules import OfRemaining, count_removed, planned_targets
from sdd.pruning.scopes import SCOPES, Surviving


def planned(schedule=None, arguments=None, *, levels=3, fraction=0.2, sparsities=None):
    return planned_targets(schedule, arguments, levels=levels, fraction=fraction, sparsities=sparsities)


def pruned(scores, masks, target):
    return prune(scores, masks, SCOPES.get("global").allocate(Surviving(masks, target)))


def cubic(*, levels, final=0.9):
    """Zhu & Gupta 2017, equation 1, from a dense network."""
    return [final * (1 - (1 - level / levels) ** 3) for level in range(1, levels + 1)]


@given(st.integers(0, 10**8), st.integers(1, 99))
def test_each_geometric_level_removes_the_ceiling_of_the_decimal_fraction(remaining, percent):
    (target,) = planned(levels=1, fraction=percent / 100)
    assert count_removed(target, remaining, 10**8) == math.ceil(Fraction(percent, 100) * remaining)


def test_binary_rounding_removes_no_weight_too_many():
    assert 0.07 * 100 > 7
    assert count_removed(OfRemaining(0.07), 100, 100) == 7


def test_a_lenet_is_emptied_exactly_as_by_hand():
    masks = {"a": torch.ones(30, 10, dtype=torch.bool), "b": torch.ones(10, 5, dtype=torch.bool)}
    scores = {name: torch.rand(mask.shape) for name, mask in masks.items()}
    remaining = 350
    for target in planned(levels=34):
        new = pruned(scores, masks, target)
        remaining -= -(-remaining // 5)
        assert count_remaining(new) == remaining
        assert all(not bool((new[name] & ~masks[name]).any()) for name in masks)
        masks = new
    assert remaining == 0
    assert dead_layers(masks) == ["a", "b"]


def test_a_list_of_sparsities_removes_up_to_each():
    masks = {"a": torch.ones(1000, dtype=torch.bool)}
    scores = {"a": torch.rand(1000)}
    removed = []
    for target in planned(sparsities=[0.5, 0.9, 0.9995, 1.0]):
        masks = pruned(scores, masks, target)
        removed.append(1000 - count_remaining(masks))
    assert removed == [500, 900, 1000, 1000]


def test_a_schedule_of_ones_own_gets_the_settings_that_it_takes():
    path = f"{__name__}.cubic"
    assert planned(path, levels=2) == pytest.approx([0.9 * 7 / 8, 0.9])
    assert planned(path, {"final": 0.5}, levels=4) == pytest.approx([0.5 * (1 - x**3) for x in (0.75, 0.5, 0.25, 0)])


def test_a_schedule_may_be_named_where_it_would_be_taken_anyway():
    assert planned("geometric") == planned() == (OfRemaining(0.2),) * 3
    assert planned("sparsities", sparsities=[0.4]) == planned(sparsities=[0.4]) == (0.4,)


def no_list():
    return 0.5


def words():
    return ["a"]


def positional(levels):
    return [0.5] * levels


def empty():
    return []


def whole():
    return [OfRemaining(1.0)]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"levels": -1}, "levels"),
        ({"fraction": 0.0}, "fraction"),
        ({"fraction": 1.0}, "fraction"),
        ({"fraction": float("nan")}, "fraction"),
        ({"sparsities": []}, "empty"),
        ({"sparsities": [0.5, 0.5]}, "rise"),
        ({"sparsities": [0.9, 0.5]}, "rise"),
        ({"sparsities": [0.0, 0.5]}, "dense"),
        ({"sparsities": [0.5, 1.1]}, "exceeds 1"),
        ({"sparsities": [float("nan")]}, "rise"),
        ({"schedule": "geometrc"}, "geometric, sparsities, or an import path.*did you mean geometric"),
        ({"schedule": "geometric", "sparsities": [0.5]}, r"geometric does not use pruning\.sparsities"),
        ({"schedule": "sparsities"}, r"needs pruning\.sparsities"),
        ({"schedule": f"{__name__}.cubic", "sparsities": [0.5]}, r"does not use pruning\.sparsities"),
        ({"schedule": f"{__name__}.cubic", "arguments": {"levels": 3}}, r"is the setting pruning\.levels"),
        ({"schedule": f"{__name__}.cubic", "arguments": {"end": 3}}, "end.*allowed: levels, final"),
        ({"arguments": {"end": 3}}, "end, which geometric does not take"),
        ({"schedule": f"{__name__}.no_list"}, "a list of sparsities"),
        ({"schedule": f"{__name__}.words"}, "'a'"),
        (
            {"schedule": f"{__name__}.positional"},
            r"missing a required argument: 'levels'; .* must be keyword-only: def positional\(\*, levels\)",
        ),
        ({"schedule": f"{__name__}.whole"}, "a fraction of 1.0"),
        ({"schedule": f"{__name__}.empty"}, "gives no level.*pruning.levels 0"),
        ({"schedule": f"{__name__}.empty", "levels": 0}, "gives no level"),
    ],
)
def test_impossible_schedules_are_refused_in_one_line(arguments, word):
    with pytest.raises(UserError, match=word) as caught:
        planned(**arguments)
    assert "\n" not in str(caught.value)


def test_no_levels_are_asked_for_by_levels_of_0_alone():
    assert planned(levels=0) == ()
    assert planned(f"{__name__}.cubic", levels=0) == ()
