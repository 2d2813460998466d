"""Learning distance: how far training moved the parameters."""

from collections.abc import Mapping

from torch import Tensor, nn

from sdd.measures.columns import Column

DISTANCE = Column(
    "distance",
    "learning distance",
    "ℓ2 norm of what the level's training moved",
    colour="#009E73",
    section="Distance",
)
DISTANCE_INIT = Column(
    "distance_init",
    "distance from the initialisation",
    "ℓ2 norm from the first initialisation",
    colour="#56B4E9",
    section="Distance",
    shown=False,
    correlated=False,
)

PATH_COST = "one pass over the weights an epoch"
"""Cost of measuring both distances after every epoch."""


def trainable(net: nn.Module) -> dict[str, Tensor]:
    """Return all trainable parameters [...] by name: weights, biases, normalisation scale and shift; no buffers."""
    return {name: parameter for name, parameter in net.named_parameters() if parameter.requires_grad}


def layer_distances(
    final: Mapping[str, Tensor], start: Mapping[str, Tensor], masks: Mapping[str, Tensor]
) -> dict[str, float]:
    """Return ‖mask ⊙ (θ_final − θ_start)‖₂ of each parameter (He et al. 2022, section 5.2).

    Removed weights do not move, so they add nothing, whatever value they are frozen at.

    Args:
        final: Parameters at the end of a level by name, each [...].
        start: Parameters of the same names and shapes, such as those the level started from.
        masks: True where a weight is trained, bool of the parameter's shape; a parameter without a mask is trained
            whole.

    Returns:
        Non-negative distances in the units of the weights, summed in float64.
    """
    distances = {}
    for name, value in final.items():
        moved = value.detach().double() - start[name].to(value.device).double()
        if name in masks:
            moved = moved.masked_fill(~masks[name], 0)
        distances[name] = float(moved.square().sum().sqrt())
    return distances


def total_distance(distances: Mapping[str, float]) -> float:
    """Return the ℓ2 distance over all parameters from the distances of each."""
    return float(sum(distance**2 for distance in distances.values()) ** 0.5)
