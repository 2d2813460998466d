"""The largest weights go: the reverse of magnitude pruning."""

from torch import Tensor

from sdd.pruning.criteria import Criterion, Scoring


def largest_scores(scoring: Scoring) -> dict[str, Tensor]:
    """Score by −|w|."""
    return {name: -parameter.detach().abs() for name, parameter in scoring.parameters.items()}


PART = Criterion(largest_scores)
