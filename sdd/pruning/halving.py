"""Weights of a trained level in 16 bits instead of 32, and back.

Of each 11 binary digits are kept, of 24. Those smaller than 2⁻¹⁴ are rounded to multiples of 2⁻²⁴ instead, so that a
weight of at most 2⁻²⁵ in size, 3 · 10⁻⁸, becomes zero.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any

import torch
from torch import Tensor

from sdd.pruning.packing import NET

_HALVED = "halved"
"""Entry of a file of a level: the names of its tensors that were of 32 bits."""


def halve(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file of a level holds, its weights of 32 bits as float16.

    Weights are the network's tensors of two dimensions and more. Biases and what belongs to normalisation, which are
    few, stay as they are, and so does a tensor with a number beyond the largest of float16, 65,504.

    Args:
        content: Of the file, packed; it is not changed.
    """
    packed = dict(content.get("packed") or {"weights": {}, "masks": {}})
    state, weights, halved = dict(content["state_dict"]), dict(packed["weights"]), list(content.get(_HALVED, ()))
    for name, value in state.items():
        if name.startswith(NET) and isinstance(value, Tensor) and value.ndim >= 2 and _fits(value):
            state[name] = value.half()
            halved.append(name)
    for name, weight in weights.items():
        if len(packed["masks"][weight["mask"]]["shape"]) >= 2 and _fits(weight["values"]):
            weights[name] = {**weight, "values": weight["values"].half()}
            halved.append(name)
    halved += [name for name, first in packed.get("same", {}).items() if first in halved]
    again = {"packed": {**packed, "weights": weights}} if "packed" in content else {}
    return {**content, "state_dict": state, **again, _HALVED: halved}


def is_halved(content: Mapping[str, Any]) -> bool:
    """Tell whether a file of a level, or a checkpoint, holds rounded weights."""
    return bool(content.get(_HALVED))


def to_full(content: MutableMapping[str, Any]) -> None:
    """Make the weights that `halve` rounded float32 again, in place, with the rounded values.

    Args:
        content: Of the file, unpacked.
    """
    state = content["state_dict"]
    for name in content.pop(_HALVED, ()):
        if name in state:  # and its weights have not been taken away since
            state[name] = state[name].float()


def _fits(values: Tensor) -> bool:
    """Tell whether values [...] of 32 bits can be float16 without becoming infinite."""
    if values.dtype is not torch.float32:
        return False
    return not bool((values.half().isinf() & values.isfinite()).any())
