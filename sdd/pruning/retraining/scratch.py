"""Weights are drawn anew at every level."""

from collections.abc import Mapping

from torch import Tensor

from sdd.pruning.retraining import Restart, Retraining


def fresh(restart: Restart) -> Mapping[str, Tensor]:
    """Return a fresh initialisation, which training seed and level give."""
    return restart.fresh()


PART = Retraining(fresh, other_masks=True, draws=True)
