"""Sharpness: how much the loss rises within a small ball around the weights."""

import math

import torch

from sdd.errors import UserError
from sdd.measures.columns import Column
from sdd.measures.objective import Objective

SHARPNESS = Column(
    "sharpness",
    "sharpness",
    "rise of the training loss after one ascent step of length `rho`",
    section="Flatness",
    cost="4 forward passes (SAM's ascent step of length `rho`, 0.05)",
)


def sharpness(objective: Objective, *, rho: float = 0.05) -> float:
    """Rise of the loss after one ascent step, L(θ + ε) − L(θ) with ε = ρ g / ‖g‖₂ and g = ∇L(θ).

    The first-order solution of max over ‖ε‖₂ ≤ ρ (Foret et al. 2021, "Sharpness-Aware Minimization",
    equation 2 with p = 2), on the surviving coordinates.

    Cost: 1 gradient and 1 forward pass.

    Args:
        objective: The loss and its surviving coordinates.
        rho: ρ, the ℓ2 length of the step in parameter space, at least 0.

    Returns:
        The rise, in units of the loss; 0 where the gradient is zero or nothing survives, NaN where one of the
        two losses is not finite.

    Raises:
        UserError: `rho` is negative or not finite.
    """
    if not (rho >= 0 and math.isfinite(rho)):
        raise UserError(f"rho is {rho}; it must be a finite number of at least 0")
    before, gradient = objective.loss_and_gradient()
    largest = float(gradient.abs().amax()) if objective.dimension > 0 else 0.0
    if not (math.isfinite(before) and math.isfinite(largest)):
        return math.nan
    if largest == 0:
        return 0.0
    direction = gradient / largest  # its norm neither overflows nor vanishes
    after = objective.loss(rho / torch.linalg.vector_norm(direction) * direction)
    return after - before if math.isfinite(after) else math.nan
