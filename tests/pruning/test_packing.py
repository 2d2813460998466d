"""What is packed comes back bit for bit, whatever the tensors hold."""

import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sdd.pruning.packing import from_bits, pack, pack_checkpoint, to_bits, unpack, unpack_checkpoint

SPECIAL = [0.0, -0.0, math.nan, math.inf, -math.inf, 1e-40]
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
BYTES = {
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
    torch.float32: torch.int32,
    torch.float64: torch.int64,
}


@st.composite
def weights_and_masks(draw):
    """A weight of any bit patterns and a mask, with removed values that are zero, minus zero or anything."""
    shape = draw(st.lists(st.integers(0, 5), max_size=4))
    dtype = draw(st.sampled_from([*FLOATS, torch.complex64, torch.int64]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    weight = (
        torch.randint(-(2**63), 2**63 - 1, [*shape, 4], generator=generator).view(dtype)[..., 0].clone()
        if dtype in BYTES
        else torch.randn(shape, generator=generator).to(dtype)
    )
    if dtype in BYTES and weight.numel():
        flat = weight.view(-1)
        for value in draw(st.lists(st.sampled_from(SPECIAL), max_size=4)):
            flat[draw(st.integers(0, weight.numel() - 1))] = value
    density = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    mask = torch.rand(shape, generator=generator) < density
    removed = draw(st.sampled_from(["zero", "minus", "anything"]))
    if removed != "anything":
        weight = weight.masked_fill(~mask, 0)
    if removed == "minus" and dtype in BYTES:
        weight = weight.masked_fill(~mask & (torch.rand(shape, generator=generator) < 0.5), -0.0)
    if draw(st.booleans()) and weight.ndim == 4:
        weight = weight.contiguous(memory_format=torch.channels_last)
    return weight, mask, removed


def same_bits(one, other):
    assert (one.dtype, one.shape) == (other.dtype, other.shape)
    if one.dtype in BYTES:
        return torch.equal(one.contiguous().view(BYTES[one.dtype]), other.contiguous().view(BYTES[one.dtype]))
    return torch.equal(one, other)


def through_a_file(content):
    file = io.BytesIO()
    torch.save(content, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@settings(max_examples=80, deadline=None)
@given(weights_and_masks())
def test_every_bit_comes_back_from_a_file(drawn):
    weight, mask, removed = drawn
    state = {"before": torch.arange(3), "w": weight, "m": mask, "extra": {"some": "thing"}}
    plain, packed = through_a_file(pack(state, {"w": "m"}))
    assert list(plain) == list(state)
    back = unpack(plain, packed)
    assert list(back) == list(state)
    assert same_bits(back["w"], weight)
    assert same_bits(back["m"], mask)
    assert back["extra"] == {"some": "thing"}
    if weight.dtype in BYTES and removed != "anything":
        assert packed["weights"]["w"]["values"].shape == (int(mask.sum()),)
        assert plain["w"] is None


@given(st.lists(st.booleans(), max_size=40))
def test_bits_are_those_of_a_loop(entries):
    bits = to_bits(torch.tensor(entries, dtype=torch.bool))
    expected = [0] * (-(-len(entries) // 8))
    for place, entry in enumerate(entries):
        expected[place // 8] += entry * 2 ** (7 - place % 8)
    assert bits.tolist() == expected
    assert from_bits(bits, [len(entries)]).tolist() == entries


def test_values_are_in_row_major_order_whatever_the_strides():
    weight = torch.arange(1.0, 7.0).view(2, 3).t()  # [[1, 4], [2, 5], [3, 6]]
    mask = torch.tensor([[True, True], [False, True], [True, False]])
    _, packed = pack({"w": weight * mask, "m": mask}, {"w": "m"})
    assert packed["weights"]["w"]["values"].tolist() == [1, 4, 5, 3]
    assert packed["masks"]["m"]["shape"] == [3, 2]
    assert packed["masks"]["m"]["bits"].tolist() == [0b11011000]


@pytest.mark.parametrize("value", [1e-40, math.nan, 0.5])
def test_a_removed_weight_that_is_not_zero_keeps_the_tensor_whole(value):
    weight = torch.tensor([1.0, value])
    plain, packed = pack({"w": weight, "m": torch.tensor([True, False])}, {"w": "m"})
    assert plain["w"] is weight
    assert not packed["weights"]


def test_a_tied_weight_is_stored_once():
    weight, mask = torch.randn(100, 100).triu(), torch.ones(100, 100, dtype=torch.bool).triu()
    content = {"state_dict": {"net.a.weight": weight, "net.b.weight": weight[:], "mask_buffers.a/weight": mask}}
    pack_checkpoint(content)
    file = io.BytesIO()
    torch.save(content, file)
    assert len(file.getvalue()) < 4 * 5050 + 1250 + 2500
    back = through_a_file(content)
    unpack_checkpoint(back)
    assert all(torch.equal(back["state_dict"][name], weight) for name in ("net.a.weight", "net.b.weight"))
    assert back["state_dict"]["net.a.weight"].data_ptr() == back["state_dict"]["net.b.weight"].data_ptr()


def test_what_was_never_packed_stays_and_what_does_not_fit_is_an_error():
    content = {"state_dict": {"net.w": torch.ones(2), "mask_buffers.w": torch.ones(2, dtype=torch.bool)}}
    unpack_checkpoint(content)
    assert content["state_dict"]["net.w"].tolist() == [1, 1]
    plain, packed = pack({"w": torch.ones(9), "m": torch.ones(9, dtype=torch.bool)}, {"w": "m"})
    with pytest.raises(ValueError, match="no place for m"):
        unpack({"w": None}, packed)
    packed["weights"]["w"]["values"] = torch.ones(8)
    with pytest.raises(ValueError, match="w: there are 8 values for 9 places"):
        unpack(plain, packed)
    packed["masks"]["m"]["bits"] = torch.from_numpy(np.zeros(1, dtype=np.uint8))
    with pytest.raises(ValueError, match="1 bytes for a mask of 9 entries"):
        unpack(plain, packed)
