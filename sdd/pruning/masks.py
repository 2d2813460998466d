"""Masks: which weights survive, and the removal of those with the smallest scores."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sdd.errors import UserError
from sdd.seeding import torch_generator

Masks = dict[str, Tensor]


def buffer_name(name: str) -> str:
    """Return a parameter's name as that of a buffer, which has no dots."""
    return name.replace("%", "%25").replace("/", "%2F").replace(".", "/")


def parameter_name(name: str) -> str:
    """Return the parameter's name behind a `buffer_name`."""
    return name.replace("/", ".").replace("%2F", "/").replace("%25", "%")


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


def remaining_fraction(masks: Mapping[str, Tensor]) -> float:
    """Return the fraction of prunable weights that survive, in [0, 1], from bool masks [...] by name.

    It is rounded once, so it has all its digits where little survives, as 1 − `sparsity` has not.
    """
    return count_remaining(masks) / count_prunable(masks)


def dead_layers(masks: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the masks, each bool [...], that keep no weight."""
    return [name for name, mask in masks.items() if not bool(mask.any())]


def shuffled(masks: Mapping[str, Tensor], seed: int) -> Masks:
    """Return masks in each of which the places are permuted at random; as many weights survive in each as before.

    The permutation of a tensor depends on the seed and on its place in the alphabetical order of the names alone, so
    that masks of levels which are nested stay so.

    Args:
        masks: True where a weight survives, by name, bool [...].
        seed: Training seed.
    """
    places = {name: place for place, name in enumerate(sorted(masks))}
    return {
        name: _permuted(mask, torch_generator(seed, "shuffled masks", places[name])) for name, mask in masks.items()
    }


def _permuted(mask: Tensor, generator: torch.Generator) -> Tensor:
    """Return a mask, [...], with its places in an order drawn from a CPU generator."""
    order = torch.randperm(mask.numel(), generator=generator).to(mask.device)
    return mask.flatten()[order].view(mask.shape)


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
        raise UserError(
            "cannot prune: some surviving weights have a score that is not finite: diverged "
            "training, or an overflow in pruning.criterion"
        )
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
