"""The loss along random lines through the weights."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sdd.errors import UserError
from sdd.measures.objective import Objective

COST = "`directions` × (`points` − 1) + 1 forward passes (5, 11)"
"""Cost of the loss curves of a level."""


@dataclass(frozen=True, eq=False)
class LossCurves:
    """Losses L(θ + α d) along D directions d at P steps α.

    Attributes:
        alphas: [P], float64 on the CPU, evenly from −1 to 1, the middle one 0.
        losses: [D, P], float64 on the CPU; NaN where the loss is not finite.
    """

    alphas: Tensor
    losses: Tensor


def loss_curves(
    objective: Objective, *, directions: int = 5, points: int = 21, generator: torch.Generator
) -> LossCurves:
    """Loss along random filter-normalised directions ("Visualizing the Loss Landscape", Li et al. 2018).

    Cost: `directions` × (`points` − 1) + 1 forward passes.

    Args:
        objective: The loss and its surviving coordinates.
        directions: D, at least 1.
        points: P, odd and at least 3.
        generator: CPU generator of the directions.

    Raises:
        UserError: `directions` or `points` is out of its range.
    """
    if directions < 1:
        raise UserError(f"directions is {directions}; it must be at least 1")
    if points < 3 or points % 2 == 0:
        raise UserError(f"points is {points}; it must be odd and at least 3")
    middle = points // 2
    alphas = torch.arange(-middle, middle + 1, dtype=torch.float64) / middle
    losses = torch.empty(directions, points, dtype=torch.float64)
    losses[:, middle] = objective.loss()
    elsewhere = alphas != 0
    for row in losses:
        direction = filter_normalised_direction(objective, generator)
        row[elsewhere] = torch.tensor(
            objective.losses_along(direction, alphas[elsewhere].tolist()), dtype=torch.float64
        )
    return LossCurves(alphas=alphas, losses=losses.masked_fill_(~losses.isfinite(), torch.nan))


def filter_normalised_direction(objective: Objective, generator: torch.Generator) -> Tensor:
    """Draw a Gaussian direction d whose every filter is as long as the network's.

    d_f ← d_f ‖θ_f‖ / ‖d_f‖ (Li et al. 2018, section 4) for each filter f, a row of dimension 0 of a parameter
    of two or more dimensions, over its surviving weights. Pruned weights, and parameters of fewer dimensions
    (biases, normalisation scale and shift), have zero direction, as there.

    Cost: free.

    Args:
        objective: The loss and its surviving coordinates.
        generator: CPU generator; one normal number is drawn for each surviving coordinate.

    Returns:
        d, a vector [dimension] on the surviving coordinates.
    """
    normal = torch.randn(objective.dimension, generator=generator, dtype=torch.float64)
    draw = objective.split(normal.to(objective.device, objective.dtype))
    weights = objective.split(objective.weights())
    return objective.join({name: _rescaled(draw[name], weights[name]) for name in weights})


def _rescaled(draw: Tensor, weight: Tensor) -> Tensor:
    """The draw with each filter as long as the weight's; both are zero where pruned."""
    if weight.ndim < 2:
        return torch.zeros_like(weight)
    filters = draw.flatten(1)
    lengths = torch.linalg.vector_norm(weight.flatten(1), dim=1, keepdim=True)
    drawn = torch.linalg.vector_norm(filters, dim=1, keepdim=True)
    scale = torch.where(drawn > 0, lengths / drawn, 0)
    return (filters * scale).view_as(weight)
