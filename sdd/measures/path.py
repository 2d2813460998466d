"""The straight path between two trained states of a network: what is measured along it, and the error barrier."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from sdd.models.modes import kept_modes
from sdd.models.state import kept_state, load_state

Statistics = Literal["interpolated", "recomputed"]
"""What normalisation statistics are on the path: those of the two ends interpolated as weights are, or estimated anew
from training examples at each point."""

Evaluate = Callable[[nn.Module], Mapping[str, float]]


def steps(points: int) -> list[float]:
    """Return α from 0 to 1 in equal steps, both ends among them; 101 points are steps of 0.01.

    Args:
        points: At least 2.
    """
    return [number / (points - 1) for number in range(points)]


def path_between(
    net: nn.Module,
    state_a: Mapping[str, Tensor],
    state_b: Mapping[str, Tensor],
    alphas: Iterable[float],
    evaluate: Evaluate,
) -> Iterator[dict[str, float]]:
    """Evaluate a network at θ(α) = (1 − α) θ_a + α θ_b, one α after the other.

    Parameters and buffers are interpolated in double precision, then rounded to their own. What two states have in
    common is the same all along, and at α = 0 and 1 the network is in the states themselves, bit for bit. Whole numbers
    and truth values (such as `num_batches_tracked`) are those of the nearer end, of a at α = 1/2.

    Args:
        net: Afterwards as it was before.
        state_a: Its parameters and buffers at α = 0, each [...] by name, as in its `state_dict`.
        state_b: At α = 1, of the same names and shapes.
        alphas: In [0, 1].
        evaluate: Returns numbers by name of the network, without moving a parameter.

    Yields:
        A row for each α: `alpha`, then what `evaluate` returns.

    Raises:
        ValueError: Names or shapes differ.
    """
    if differing := differing_shapes(state_a, state_b):
        raise ValueError(f"the states differ in {', '.join(differing[:3])}")
    for alpha in alphas:
        with kept_state(net):
            load_state(net, interpolated(state_a, state_b, alpha))
            row = {"alpha": alpha, **evaluate(net)}
        yield row


def interpolated(state_a: Mapping[str, Tensor], state_b: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """Return the state at α of the path between two, each tensor [...]; see `path_between`."""
    return {name: _between(value, state_b[name], alpha) for name, value in state_a.items()}


def _between(a: Tensor, b: Tensor, alpha: float) -> Tensor:
    moves = isinstance(a, Tensor) and (a.is_floating_point() or a.is_complex())  # `get_extra_state` may be anything
    if alpha in (0, 1) or not moves:
        return a if alpha <= 1 / 2 else b
    wide = torch.complex128 if a.is_complex() else torch.float64
    point = torch.lerp(a.to(wide), b.to(wide), alpha)
    return torch.where(a == b, a, point.to(a.dtype))  # also where both are infinite


def differing_shapes(state_a: Mapping[str, Tensor], state_b: Mapping[str, Tensor]) -> list[str]:
    """Return the names under which only one of two states has a tensor, or one of another shape."""
    one, other = (
        {name: getattr(value, "shape", None) for name, value in state.items()} for state in (state_a, state_b)
    )
    names = sorted(one.keys() | other.keys())
    return [name for name in names if name not in one or name not in other or one[name] != other[name]]


def has_statistics(net: nn.Module) -> bool:
    """Tell whether a network has normalisation layers with running statistics."""
    return bool(_with_statistics(net))


def estimate_statistics(net: nn.Module, inputs: Iterable[Tensor]) -> None:
    """Replace the running statistics of normalisation layers by their plain means over some batches.

    All other modules are in evaluation mode meanwhile. The network's weights are as before.

    Args:
        net: With running statistics.
        inputs: Batches of network inputs, each [B, ...] of one B.
    """
    layers = _with_statistics(net)
    momenta = [layer.momentum for layer in layers]
    with kept_modes(net, training=False), torch.no_grad():
        try:
            for layer in layers:
                layer.reset_running_stats()
                layer.momentum = None  # a cumulative average
                layer.training = True
            for batch in inputs:
                net(batch)
        finally:
            for layer, momentum in zip(layers, momenta, strict=True):
                layer.momentum = momentum


def _with_statistics(net: nn.Module) -> list[_NormBase]:
    return [layer for layer in net.modules() if isinstance(layer, _NormBase) and layer.running_mean is not None]


@dataclass(frozen=True)
class Barrier:
    """How far a quantity, such as the error, rises on the path between two states; NaN where it is NaN somewhere.

    Attributes:
        height: Its largest value minus the mean of the two ends': the error barrier, or linear interpolation
            instability, of Frankle et al. 2020. At least half the ends' difference.
        above_line: Its largest rise above the straight line between the ends' values (Entezari et al. 2022).
            At least 0.
        alpha: Where its value is largest, the first α of several.
    """

    height: float
    above_line: float
    alpha: float


def error_barrier(alphas: Sequence[float], values: Sequence[float]) -> Barrier:
    """Return the barrier on a path.

    Args:
        alphas: From 0 to 1, rising.
        values: Such as the error, at each α.
    """
    if any(math.isnan(value) for value in values):
        return Barrier(math.nan, math.nan, math.nan)
    first, last, largest = values[0], values[-1], max(values)
    above = [value - ((1 - alpha) * first + alpha * last) for alpha, value in zip(alphas, values, strict=True)]
    above[0] = above[-1] = 0.0
    return Barrier(largest - (first + last) / 2, max(above), alphas[values.index(largest)])
