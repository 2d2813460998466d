"""Learning distances: how far training moved the parameters, from where, and over which of them."""

from collections.abc import Mapping

from torch import Tensor, nn

from sdd.measures.columns import Column

DISTANCE = Column(
    "distance",
    "learning distance",
    "ℓ2 norm from the dense network's initialisation, removed weights counted as zero: the paper's D",
    colour="#009E73",
    section="Distance",
)
DISTANCE_INIT = Column(
    "distance_init",
    "learning distance of survivors",
    "ℓ2 norm from the dense network's initialisation, over surviving parameters only",
    colour="#56B4E9",
    section="Distance",
    shown=False,
)
DISTANCE_START = Column(
    "distance_start",
    "distance from the level's start",
    "ℓ2 norm of what the level's training moved, over surviving parameters",
    section="Distance",
)

DISTANCES = (DISTANCE, DISTANCE_INIT, DISTANCE_START)
"""All learning distances, the paper's first."""

PATH_COST = "three passes over the weights an epoch"
"""Cost of measuring all distances after every epoch."""


def trainable(net: nn.Module) -> dict[str, Tensor]:
    """Return all trainable parameters [...] by name: weights, biases, normalisation scale and shift; no buffers."""
    return {name: parameter for name, parameter in net.named_parameters() if parameter.requires_grad}


def layer_distances(
    final: Mapping[str, Tensor],
    initial: Mapping[str, Tensor],
    start: Mapping[str, Tensor],
    masks: Mapping[str, Tensor],
) -> dict[str, dict[str, float]]:
    """Return the three distances of each parameter.

    - `distance`: ‖θ_init − mask ⊙ θ_final‖₂, D of He et al. 2022, section 3.2. θ_init is unmasked, so a removed weight
      adds the size of its own initialisation, whatever value it is frozen at.
    - `distance_init`: ‖mask ⊙ (θ_init − θ_final)‖₂, the same over the surviving parameters.
    - `distance_start`: ‖mask ⊙ (θ_start − θ_final)‖₂, what the level's training moved.

    Args:
        final: Parameters at the end of a level by name, each [...].
        initial: The run's dense network right after its initialisation, of the same names and shapes; further entries
            are not looked at.
        start: What the level started training from, likewise.
        masks: True where a weight is trained, bool of the parameter's shape; a parameter without a mask is trained
            whole.

    Returns:
        By distance and parameter: non-negative, in the units of the weights, summed in float64.
    """
    kept = {name: _masked(value.detach().double(), masks.get(name)) for name, value in final.items()}
    return {
        DISTANCE.name: {name: _norm(value - _like(initial[name], value)) for name, value in kept.items()},
        DISTANCE_INIT.name: _surviving(final, initial, masks),
        DISTANCE_START.name: _surviving(final, start, masks),
    }


def total_distance(distances: Mapping[str, float]) -> float:
    """Return the ℓ2 distance over all parameters from the distances of each."""
    return float(sum(distance**2 for distance in distances.values()) ** 0.5)


def _surviving(
    final: Mapping[str, Tensor], start: Mapping[str, Tensor], masks: Mapping[str, Tensor]
) -> dict[str, float]:
    """Return ‖mask ⊙ (θ_final − θ_start)‖₂ of each parameter, all tensors [...]."""
    return {
        name: _norm(_masked(value.detach().double() - _like(start[name], value), masks.get(name)))
        for name, value in final.items()
    }


def _like(value: Tensor, other: Tensor) -> Tensor:
    """Return a tensor [...] in float64 on another one's device."""
    return value.detach().to(other.device).double()


def _masked(value: Tensor, mask: Tensor | None) -> Tensor:
    return value if mask is None else value.masked_fill(~mask, 0)


def _norm(value: Tensor) -> float:
    return float(value.square().sum().sqrt())
