"""Checkpoints without their removed weights: the surviving values and a bit for each place, and back, bit for bit."""

import math
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdd.pruning.masks import parameter_name

NET, MASKS = "net.", "mask_buffers."
"""What names of the network's tensors, and of their masks, begin with in the state dict of a `Classifier`."""

_BITS = {
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
    torch.float32: torch.int32,
    torch.float64: torch.int64,
}
"""Types of weights that are packed, and those that show their bits."""


def pack_checkpoint(content: MutableMapping[str, Any]) -> None:
    """Replace, in place, masked weights and masks of a checkpoint's `state_dict` by their packed form, `packed`.

    Args:
        content: As Lightning makes it of a `Classifier`; what is packed stays in `state_dict` as a name with None.
    """
    state = content["state_dict"]
    masks = {NET + parameter_name(name.removeprefix(MASKS)): name for name in state if name.startswith(MASKS)}
    content["state_dict"], content["packed"] = pack(state, masks)


def unpack_checkpoint(content: MutableMapping[str, Any]) -> None:
    """Make a checkpoint, in place, what it was before `pack_checkpoint`; one that was never packed stays as it is.

    Args:
        content: As it was read.
    """
    packed = content.pop("packed", None)
    if packed is not None:
        content["state_dict"] = unpack(content["state_dict"], packed)


def pack(state: Mapping[str, Any], masks: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take masks, and weights whose removed entries are zero, out of a state dict.

    Args:
        state: Tensors [...] by name; a name may have something else, which stays as it is.
        masks: By name of a weight the name of its mask, bool [...] of the weight's shape.

    Returns:
        The state with None for what was taken out, in the order of `state`; and that, on the CPU: `masks` by name with
        their `shape` and `bits`; `weights` by name with the name of their `mask` and the `values`, [M], of the M places
        where it is True, in row-major order; `same`: further names of such weights by the first one. Zeros that were
        removed with a minus sign have `minus`, bits as of a mask.
    """
    packed: dict[str, dict[str, Any]] = {"masks": {}, "weights": {}, "same": {}}
    for name in masks.values():
        packed["masks"][name] = {"shape": list(state[name].shape), "bits": to_bits(state[name])}
    places = {}
    for name, mask in masks.items():
        if name in state and (values := _surviving(state[name], state[mask])) is not None:
            packed["weights"][name] = {"mask": mask, **values}
            places[_place(state[name])] = name
    for name, value in state.items():
        if name not in packed["weights"] and isinstance(value, Tensor) and value.layout is torch.strided:
            first = places.get(_place(value))
            if first is not None:
                packed["same"][name] = first
    taken = {name for part in packed.values() for name in part}
    return {name: None if name in taken else value for name, value in state.items()}, packed


def unpack(state: Mapping[str, Any], packed: Mapping[str, Any]) -> dict[str, Any]:
    """Put what `pack` took out of a state back: the inverse.

    Args:
        state: Its first result.
        packed: Its second one.

    Raises:
        ValueError: The two, or the parts of the second, do not belong together.
    """
    found: dict[str, Tensor] = {}
    for name, mask in packed["masks"].items():
        found[name] = from_bits(mask["bits"], mask["shape"])
    for name, weight in packed["weights"].items():
        try:
            found[name] = _whole(weight["values"], found[weight["mask"]])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        if "minus" in weight:
            found[name].masked_fill_(from_bits(weight["minus"], found[name].shape), -0.0)
    found |= {name: found[first] for name, first in packed["same"].items()}
    if lacking := found.keys() - state.keys():
        raise ValueError(f"there is no place for {min(lacking)}")
    return {name: found.get(name, value) for name, value in state.items()}


def to_bits(mask: Tensor) -> Tensor:
    """Return a mask, bool [...], as uint8 of shape [⌈N / 8⌉], its first entry in row-major order the highest bit."""
    return torch.from_numpy(np.packbits(mask.cpu().numpy().reshape(-1)))


def from_bits(bits: Tensor, shape: Sequence[int]) -> Tensor:
    """Return the mask, bool of a shape, that `to_bits` made uint8 of.

    Raises:
        ValueError: There are too few or too many bits for the shape.
    """
    count = math.prod(shape)
    if len(bits) != -(-count // 8):
        raise ValueError(f"there are {len(bits)} bytes for a mask of {count} entries")
    return torch.from_numpy(np.unpackbits(bits.numpy(), count=count).view(np.bool_)).view(torch.Size(shape))


def _surviving(weight: Any, mask: Tensor) -> dict[str, Tensor] | None:
    """Return the packed values of a weight [...] under its mask, or None where that would lose something of it."""
    if not isinstance(weight, Tensor) or weight.dtype not in _BITS or weight.shape != mask.shape:
        return None
    weight, mask = weight.detach().cpu(), mask.cpu()
    bits = weight.view(_BITS[weight.dtype]).numpy()
    values = bits[mask.numpy()]
    packed = {"values": torch.from_numpy(values).view(weight.dtype)}
    others = np.count_nonzero(bits) - np.count_nonzero(values)  # removed, and not plain zero
    if others:
        minus = (weight == 0) & weight.signbit() & ~mask
        if int(minus.sum()) != others:
            return None
        packed["minus"] = to_bits(minus)
    return packed


def _whole(values: Tensor, mask: Tensor) -> Tensor:
    """Return a weight of the shape of its mask, [...], that has these values, [M], where the mask is True, else zero.

    Raises:
        ValueError: There are more or fewer values than places.
    """
    shown = values.view(_BITS[values.dtype]).numpy()
    count = int(mask.sum())
    if shown.shape != (count,):
        raise ValueError(f"there are {len(shown)} values for {count} places")
    bits = np.zeros(mask.shape, dtype=shown.dtype)
    bits[mask.numpy()] = shown
    return torch.from_numpy(bits).view(values.dtype)


def _place(tensor: Tensor) -> tuple[Any, ...]:
    """Return what only tensors [...] of the same memory share."""
    return tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()
