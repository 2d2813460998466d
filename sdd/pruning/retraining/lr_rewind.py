"""Weights stay, and the schedule of rates starts anew."""

from collections.abc import Mapping

from torch import Tensor

from sdd.pruning.retraining import Restart, Retraining


def trained(restart: Restart) -> Mapping[str, Tensor]:
    """Return the state at the end of the level before (Renda et al. 2020)."""
    return restart.trained


PART = Retraining(trained)
