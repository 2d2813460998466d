"""Masks: which weights can be pruned, which survive, and the removal of those with the smallest scores."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from sdd.errors import UserError

Masks = dict[str, Tensor]
_PRUNABLE = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)


def prunable_parameters(net: nn.Module, exclude: Sequence[str] = ()) -> dict[str, nn.Parameter]:
    """Find the weights of convolutional and linear layers; biases and normalisation are never pruned.

    Args:
        net: Any network. A weight shared by several layers counts once.
        exclude: Names of weights to leave alone, as in `net.named_parameters()`; `*` and `?` match as in file
            names.

    Returns:
        Parameter [...] by name, in the network's order.

    Raises:
        UserError: A name in `exclude` matches nothing, or nothing is left to prune.
    """
    weights = {
        id(module.weight)
        for module in net.modules()
        if isinstance(module, _PRUNABLE) and isinstance(module.weight, nn.Parameter)
    }
    found = {name: parameter for name, parameter in net.named_parameters() if id(parameter) in weights}
    for pattern in exclude:
        if not any(fnmatchcase(name, pattern) for name in found):
            raise UserError(f"pruning.exclude: {pattern!r} matches no prunable weight; there are: {', '.join(found)}")
    kept = {
        name: parameter
        for name, parameter in found.items()
        if not any(fnmatchcase(name, pattern) for pattern in exclude)
    }
    if not kept:
        raise UserError(
            "there is nothing to prune: the network has no convolutional or linear weight that pruning.exclude leaves"
        )
    return kept


def count_remaining(masks: Mapping[str, Tensor]) -> int:
    """Return how many weights survive, from bool masks [...] by name."""
    return sum(int(mask.sum()) for mask in masks.values())


def count_prunable(masks: Mapping[str, Tensor]) -> int:
    """Return how many weights there were before any pruning, from masks [...] by name."""
    return sum(mask.numel() for mask in masks.values())


def sparsity(masks: Mapping[str, Tensor]) -> float:
    """Return the fraction of prunable weights that are removed, in [0, 1], from bool masks [...] by name."""
    total = count_prunable(masks)
    return (total - count_remaining(masks)) / total


def dead_layers(masks: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the masks, each bool [...], that keep no weight."""
    return [name for name, mask in masks.items() if not bool(mask.any())]


def remove_smallest(scores: Mapping[str, Tensor], masks: Masks, count: int) -> Masks:
    """Remove exactly `count` of the surviving weights, those of the smallest scores over all tensors together.

    Of equal scores the earlier one, in the order of the mapping and within a tensor, is removed first.

    Args:
        scores: Importance of each weight by name, real [...]; those of removed weights are not looked at.
        masks: True where a weight survives, by the same names and of the same shapes, bool [...].
        count: How many to remove, from 0 to as many as survive.

    Returns:
        New masks, nested in the old ones.

    Raises:
        UserError: A surviving weight has a score that is not a number.
    """
    flat = torch.cat([masks[name].flatten() for name in masks])
    values = torch.cat([scores[name].flatten() for name in masks])
    surviving = flat.nonzero().squeeze(1)
    values = values[surviving]
    if not bool(torch.isfinite(values).all()):
        raise UserError("cannot prune: some surviving weights have a score that is not finite (diverged training)")
    removed = surviving[values.sort(stable=True).indices[:count]]
    flat = flat.clone()
    flat[removed] = False
    parts = flat.split([mask.numel() for mask in masks.values()])
    return {name: part.view_as(masks[name]).clone() for name, part in zip(masks, parts, strict=True)}


def mask_state(
    state: Mapping[str, Tensor], masks: Mapping[str, Tensor], frozen: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """Return a copy of a state dict in which removed weights have the values of `frozen`, or are exactly zero.

    Args:
        state: Parameters and buffers by name, each [...].
        masks: True where a weight survives, bool of the shape of the entry of that name.
        frozen: Values of removed weights, of the names and shapes of `masks`; None: zero.
    """
    return {
        name: value.clone()
        if name not in masks
        else value.masked_fill(~masks[name], 0)
        if frozen is None
        else torch.where(masks[name], value, frozen[name])
        for name, value in state.items()
    }
