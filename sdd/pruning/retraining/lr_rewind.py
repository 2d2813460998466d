"""Learning-rate rewinding: weights are kept, and the learning-rate schedule goes back."""

from collections.abc import Mapping

from torch import Tensor

from sdd.pruning.retraining import Restart, Retraining


def trained(restart: Restart) -> Mapping[str, Tensor]:
    """Return the state at the end of the level before, each entry [...] (Renda et al. 2020)."""
    return restart.trained


PART = Retraining(trained, rewinds=True)
