"""What a level starts from: a retraining mode is a value, not a package."""

from collections.abc import Callable, Mapping
from typing import Literal

from torch import Tensor

from sdd.pruning.masks import mask_state

Retrain = Literal["lottery", "lr_rewind", "finetune", "scratch"]
State = dict[str, Tensor]


def start_state(
    retrain: Retrain,
    trained: Callable[[], Mapping[str, Tensor]],
    rewind: Mapping[str, Tensor],
    fresh: Callable[[], Mapping[str, Tensor]],
    masks: Mapping[str, Tensor],
) -> State:
    """Return the weights and buffers that a level starts from, removed weights at exactly zero.

    Normalisation statistics come with the weights that they belong to.

    Args:
        retrain: `lottery`: the stored state of level 0 (Frankle & Carbin 2019; Frankle et al. 2020);
            `lr_rewind` and `finetune`: the state at the end of the level before (Renda et al. 2020; Han et al.
            2015); `scratch`: a fresh initialisation.
        trained: Gives the state at the end of the level before.
        rewind: The stored state of level 0.
        fresh: Draws a fresh initialisation for this level.
        masks: Masks of this level.
    """
    if retrain == "lottery":
        return mask_state(rewind, masks)
    if retrain == "scratch":
        return mask_state(fresh(), masks)
    return mask_state(trained(), masks)
