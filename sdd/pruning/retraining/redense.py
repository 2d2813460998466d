"""Re-dense training: each level of a finished run is trained further without its mask."""

from collections.abc import Mapping

from torch import Tensor

from sdd.pruning.retraining import Rates, Restart, Retraining


def trained(restart: Restart) -> Mapping[str, Tensor]:
    """Return the other run's state at the end of the same level, each entry [...] (Han et al. 2017, final phase)."""
    return restart.trained


def own_or_last_rate(rates: Rates) -> float:
    """Return `pruning.redense_lr`, or else the rate that the other run's levels ended with."""
    return rates.last_rate() if rates.redense_lr is None else rates.redense_lr


PART = Retraining(trained, own_or_last_rate, other_masks=True, continues=True, releases=True)
