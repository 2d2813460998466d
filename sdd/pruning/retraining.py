"""What a level starts from: a retraining mode is a value, not a package."""

from collections.abc import Callable, Mapping
from typing import Literal

from torch import Tensor

from sdd.pruning.masks import mask_state

Retrain = Literal["lottery", "lr_rewind", "finetune", "scratch", "redense"]
Frozen = Literal["zero", "initial", "final"]
State = dict[str, Tensor]


def start_state(
    retrain: Retrain,
    trained: Mapping[str, Tensor],
    rewind: Mapping[str, Tensor],
    fresh: Callable[[], Mapping[str, Tensor]],
    masks: Mapping[str, Tensor],
    frozen: Mapping[str, Tensor] | None = None,
) -> State:
    """Return a copy of the weights and buffers that a level starts from, removed weights at their frozen values.

    Normalisation statistics come with the weights that they belong to.

    Args:
        retrain: `lottery`: the stored state of level 0 (Frankle & Carbin 2019; Frankle et al. 2020); `scratch`: a
            fresh initialisation; else the trained state (Renda et al. 2020; Han et al. 2015).
        trained: The state at the end of the level before, or for `redense` at the end of the level itself.
        rewind: The stored state of level 0.
        fresh: Draws a fresh initialisation for this level.
        masks: Masks of this level.
        frozen: Where the values of removed weights come from; None: they are exactly zero.
    """
    state = {"lottery": lambda: rewind, "scratch": fresh}.get(retrain, lambda: trained)()
    return mask_state(state, masks, frozen)
