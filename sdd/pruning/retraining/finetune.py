"""Fine-tuning: weights are kept and trained further at a small constant learning rate."""

from collections.abc import Mapping

from torch import Tensor

from sdd.pruning.retraining import Rates, Restart, Retraining


def trained(restart: Restart) -> Mapping[str, Tensor]:
    """Return the state at the end of the level before, each entry [...] (Han et al. 2015)."""
    return restart.trained


def small_rate(rates: Rates) -> float | None:
    """Return `pruning.finetune_lr` for pruned levels; the dense one is trained by the schedule."""
    return rates.finetune_lr if rates.level > 0 else None


PART = Retraining(trained, small_rate)
