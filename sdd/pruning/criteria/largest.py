"""Largest weights removed first: the reverse of magnitude pruning."""

from torch import Tensor

from sdd.pruning.criteria import Criterion, Scoring


def largest_scores(scoring: Scoring) -> dict[str, Tensor]:
    """Score weights by −|w|; return scores by name, each [...] of its weight's shape."""
    return {name: -parameter.detach().abs() for name, parameter in scoring.parameters.items()}


PART = Criterion(largest_scores)
