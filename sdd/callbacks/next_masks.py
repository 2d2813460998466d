"""The masks of a level: once more pruned, by what its criterion wants to see of network and data."""

from collections.abc import Sequence

import lightning.pytorch as pl
import torch

from sdd.callbacks.accuracy import data_of
from sdd.models.state import State, load_state
from sdd.module import Classifier
from sdd.pruning.criteria import Scoring
from sdd.pruning.masks import Masks, mask_state
from sdd.pruning.prunable import prunable_parameters
from sdd.pruning.prune import Pruner
from sdd.seeding import derive_seed, torch_generator


def next_masks(
    pruner: Pruner,
    trainer: pl.Trainer,
    module: Classifier,
    level: int,
    *,
    initial: State,
    exclude: Sequence[str],
    seed: int,
) -> Masks:
    """Prune once more; all processes take the masks of the first one. The network's weights may be others then.

    Args:
        pruner: Of the run.
        trainer: Likewise.
        module: Trained to the end of the level before, with its masks.
        level: That is to have the masks, 1 or higher.
        initial: First weights and buffers of level 0, each [...] by name, on the CPU.
        exclude: Names of weights that are never pruned.
        seed: Training seed.

    Returns:
        True where a weight survives, bool [...] by name.
    """
    if pruner.at_initialisation:
        load_state(module.net, mask_state(initial, {name: mask.cpu() for name, mask in module.masks.items()}))
    torch.manual_seed(derive_seed(seed, "gradient pruning", level))
    scoring = Scoring(
        net=module.net,
        parameters=prunable_parameters(module.net, exclude),
        masks=module.masks,
        batches=lambda count: data_of(trainer).draw_batches(count, torch_generator(seed, "gradient batches", level)),
        generator=torch_generator(seed, "random pruning", level),
        loss=module.loss,
    )
    masks = pruner.masks(level, scoring)
    if trainer.world_size > 1:
        masks = trainer.strategy.broadcast(masks)
    return masks
