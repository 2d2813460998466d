import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sdd.errors import UserError
from sdd.pruning.masks import (
    buffer_name,
    count_remaining,
    dead_layers,
    mask_state,
    parameter_name,
    remove_smallest,
    shuffled,
    sparsity,
)


def brute_force(scores, masks, count):
    """Remove one weight after another: the smallest score, the earliest of equals."""
    new = {name: mask.clone() for name, mask in masks.items()}
    for _ in range(count):
        best = None
        for name in new:
            for index in range(new[name].numel()):
                value = scores[name].flatten()[index].item()
                if new[name].flatten()[index] and (best is None or value < best[0]):
                    best = (value, name, index)
        new[best[1]].view(-1)[best[2]] = False
    return new


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=6), min_size=1, max_size=3),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_removal_equals_brute_force_with_ties(values, data):
    scores = {f"w{i}": torch.tensor(row, dtype=torch.float32) for i, row in enumerate(values)}
    masks = {
        name: torch.tensor(data.draw(st.lists(st.booleans(), min_size=len(s), max_size=len(s))))
        for name, s in scores.items()
    }
    count = data.draw(st.integers(0, count_remaining(masks)))
    removed = remove_smallest(scores, masks, count)
    expected = brute_force(scores, masks, count)
    assert all(torch.equal(removed[name], expected[name]) for name in masks)
    assert count_remaining(removed) == count_remaining(masks) - count
    assert all(not bool((removed[name] & ~masks[name]).any()) for name in masks), "a removed weight returned"


@pytest.mark.parametrize("name", ["fc.weight", "layers.3/4.weight", "a.%2F.b/", "50%.w", "a/.b./c"])
def test_names_of_buffers_hold_no_dots_and_tell_the_parameter(name):
    assert "." not in buffer_name(name)
    assert parameter_name(buffer_name(name)) == name


def test_removal_leaves_the_given_masks_as_they_were():
    masks = {"w": torch.ones(2, 3, dtype=torch.bool)}
    remove_smallest({"w": torch.arange(6.0).view(2, 3)}, masks, 4)
    assert bool(masks["w"].all())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_that_are_no_numbers_are_refused(bad):
    with pytest.raises(UserError, match="not finite"):
        remove_smallest({"w": torch.tensor([1.0, bad])}, {"w": torch.tensor([True, True])}, 1)
    kept = remove_smallest({"w": torch.tensor([1.0, bad])}, {"w": torch.tensor([True, False])}, 0)
    assert kept["w"].tolist() == [True, False]


def test_shuffling_is_a_permutation_within_each_tensor_that_seed_and_place_of_the_name_give():
    places = {"b": torch.arange(600).view(20, 30), "a": torch.arange(600).view(600)}
    found = shuffled(places, 3)
    for name, permuted in found.items():
        assert permuted.shape == places[name].shape
        assert permuted.flatten().sort().values.tolist() == list(range(600))
    assert not torch.equal(found["a"], found["b"].flatten()), "each tensor has its own"
    again = shuffled(dict(reversed(places.items())), 3)
    assert all(torch.equal(again[name], permuted) for name, permuted in found.items())
    assert not torch.equal(shuffled(places, 4)["a"], found["a"])


def test_sparsity_and_dead_layers():
    masks = {"a": torch.tensor([True, False, False, False]), "b": torch.zeros(4, dtype=torch.bool)}
    assert sparsity(masks) == 7 / 8
    assert dead_layers(masks) == ["b"]


def test_masked_state_is_exactly_zero_where_removed_and_a_copy_elsewhere():
    state = {"w": torch.tensor([math.inf, -2.0, 3.0]), "bias": torch.tensor([1.0])}
    masked = mask_state(state, {"w": torch.tensor([False, False, True])})
    assert masked["w"].tolist() == [0.0, 0.0, 3.0]
    masked["bias"][0] = 5
    assert state["bias"].item() == 1
