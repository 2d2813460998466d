"""SynFlow: iterative pruning at initialisation that sees no data and leaves no layer empty before the others."""

import torch
from torch import Tensor

from sdd.errors import UserError
from sdd.models.modes import kept_modes
from sdd.pruning.criteria import Criterion, Scoring


def synflow_scores(scoring: Scoring) -> dict[str, Tensor]:
    """Score by |w · ∂R/∂w|, R being the sum of the outputs for an input of ones, with |θ| for every parameter θ.

    As in the code of Tanaka et al. 2020, biases and normalisation's parameters take part in R, in float64 so that deep
    networks do not overflow, and the network is in evaluation mode: by its first running statistics, 0 and 1, batch
    normalisation then changes nothing. Of the data only an input's shape is used.

    Args:
        scoring: What weights are scored by. Its network is left changed, which `importance` undoes.

    Returns:
        Scores by name, float64 [...] of the weight's shape, not negative.
    """
    net, weights = scoring.net.double(), scoring.parameters
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()
        for name, weight in weights.items():
            weight.requires_grad_().masked_fill_(~scoring.masks[name], 0)
    inputs = next(iter(scoring.batches(1)))[0]
    ones = torch.ones(1, *inputs.shape[1:], dtype=torch.float64, device=inputs.device)
    with kept_modes(net, training=False), torch.enable_grad():
        gradients = torch.autograd.grad(net(ones).sum(), list(weights.values()), allow_unused=True)
    return {
        name: torch.zeros_like(weight) if gradient is None else (weight.detach() * gradient).abs()
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }


def given_rounds(*, rounds: int = 100) -> int:
    """Return the argument `rounds`, in so many of which a level's weights are removed; 100 as in the paper.

    Raises:
        UserError: It is below 1.
    """
    if rounds < 1:
        raise UserError(f"pruning.criterion_args.rounds is {rounds}; it must be a whole number from 1")
    return rounds


PART = Criterion(synflow_scores, at_initialisation=True, rounds=given_rounds)
