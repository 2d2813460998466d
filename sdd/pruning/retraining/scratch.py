"""Training from scratch: the network is drawn anew at every level."""

from collections.abc import Mapping

from torch import Tensor

from sdd.pruning.retraining import Restart, Retraining


def fresh(restart: Restart) -> Mapping[str, Tensor]:
    """Return a fresh initialisation, each entry [...], which training seed and level give."""
    return restart.fresh()


PART = Retraining(fresh, other_masks=True, draws=True)
