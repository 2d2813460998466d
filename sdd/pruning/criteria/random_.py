"""Random pruning: the removed weights are drawn at random, anew at every level."""

import torch
from torch import Tensor

from sdd.pruning.criteria import Criterion, Scoring


def random_scores(scoring: Scoring) -> dict[str, Tensor]:
    """Score weights at random in [0, 1); return scores by name, float64 [...] of the weight's shape.

    They are drawn on the CPU, so that the same weights are removed on every device.
    """
    return {
        name: torch.rand(parameter.shape, dtype=torch.float64, generator=scoring.generator).to(parameter.device)
        for name, parameter in scoring.parameters.items()
    }


PART = Criterion(random_scores)
