"""The smallest weights go."""

from torch import Tensor

from sdd.pruning.criteria import Criterion, Scoring


def magnitude_scores(scoring: Scoring) -> dict[str, Tensor]:
    """Score by |w| (Han et al. 2015)."""
    return {name: parameter.detach().abs() for name, parameter in scoring.parameters.items()}


PART = Criterion(magnitude_scores)
