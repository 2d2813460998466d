"""Weights in 16 bits: what is rounded, what is not, and how they are read again."""

import numpy as np
import torch

from sdd.pruning.halving import halve, is_halved, to_full
from sdd.pruning.packing import pack_checkpoint, unpack_checkpoint


def content():
    """Return a level's file with a pruned, a tied, an unpruned and a large weight, a bias and a statistic."""
    generator = torch.Generator().manual_seed(0)
    pruned = torch.randn(6, 5, generator=generator)
    mask = torch.rand(6, 5, generator=generator) > 0.4
    pruned.mul_(mask)
    state = {
        "net.a.weight": pruned,
        "net.tied.weight": pruned,
        "net.fc.weight": torch.randn(3, 6, generator=generator),
        "net.large.weight": torch.tensor([[65520.0, 1.0]]),  # 65,519.99 would be rounded to 65,504
        "net.spoilt.weight": torch.tensor([[torch.inf, 1.0]]),
        "net.double.weight": torch.randn(2, 2, generator=generator).double(),
        "net.a.bias": torch.randn(6, generator=generator),
        "net.norm.running_var": torch.tensor([1e-9, 1e9]),
        "mask_buffers.a/weight": mask,
    }
    packed = {"state_dict": dict(state)}
    pack_checkpoint(packed)
    return state, packed


def read_again(packed):
    again = dict(packed)
    unpack_checkpoint(again)
    to_full(again)
    return again["state_dict"]


def test_weights_are_rounded_to_the_nearest_of_16_bits_and_all_else_is_exact():
    state, packed = content()
    kept = halve(packed)
    assert is_halved(kept)
    assert not is_halved(packed)
    found = read_again(kept)
    assert found.keys() == state.keys()
    rounded = {"net.a.weight", "net.tied.weight", "net.fc.weight", "net.spoilt.weight"}
    for name, value in state.items():
        expected = value.numpy().astype(np.float16).astype(np.float32) if name in rounded else value.numpy()
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name].numpy(), expected, err_msg=name)


def test_what_is_halved_twice_is_halved_once_and_nothing_is_changed_in_place():
    state, packed = content()
    once = halve(packed)
    twice = halve(once)
    first, second = read_again(once), read_again(twice)
    assert all(torch.equal(first[name], second[name]) for name in state)
    assert torch.equal(read_again(packed)["net.fc.weight"], state["net.fc.weight"])


def test_the_values_take_half_the_bytes():
    _, packed = content()
    values = packed["packed"]["weights"]["net.a.weight"]["values"]
    small = halve(packed)["packed"]["weights"]["net.a.weight"]["values"]
    assert 2 * small.nbytes == values.nbytes
