"""Magnitude pruning: the weights of the smallest absolute value are removed."""

from torch import Tensor

from sdd.pruning.criteria import Criterion, Scoring


def magnitude_scores(scoring: Scoring) -> dict[str, Tensor]:
    """Score weights by |w| (Han et al. 2015); return scores by name, each [...] of its weight's shape."""
    return {name: parameter.detach().abs() for name, parameter in scoring.parameters.items()}


PART = Criterion(magnitude_scores)
