"""Lottery tickets: surviving weights are set back to their values from early training."""

from collections.abc import Mapping

from torch import Tensor

from sdd.pruning.retraining import Restart, Retraining


def rewound(restart: Restart) -> Mapping[str, Tensor]:
    """Return the stored state of level 0, each entry [...] (Frankle & Carbin 2019; Frankle et al. 2020)."""
    return restart.rewind


PART = Retraining(rewound, rewinds=True)
