"""Masks made elsewhere, to train under: those of another run's levels, or one in a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from torch import Tensor

from sdd.errors import UserError
from sdd.places import place_of
from sdd.pruning.masks import Masks
from sdd.pruning.retraining import RETRAININGS, Retraining
from sdd.runs.mask_file import MaskFile
from sdd.runs.settings import MASKS_FROM
from sdd.runs.trained_levels import TrainedLevels


class MasksSource(Protocol):
    """Masks of each level, made elsewhere."""

    def check(self, last_level: int, prunable: Mapping[str, Tensor]) -> None:
        """Find out whether it has every level, for this network.

        Args:
            last_level: Number of the last level that is needed.
            prunable: Prunable weights by name, each [...].

        Raises:
            UserError: A level is missing or damaged, or its masks are for other weights.
        """

    def masks(self, level: int) -> Masks:
        """Return a level's masks by parameter name, bool [...] of the weight's shape, on the CPU."""

    def digest(self, level: int, *, weights: bool) -> str:
        """Return 32 hex digits that are others for other masks of a level, and where `weights`, for other weights."""


def is_mask_file(masks_from: str | None, seed: int) -> bool:
    """Tell whether the setting `pruning.masks_from` names a file, {seed} in it being the training seed."""
    return masks_from is not None and masks_place(masks_from, seed).is_file()


def check_shuffled(masks_from: str | None, retrain: str, retraining: Retraining) -> None:
    """Find out whether there are masks to shuffle, for weights that were not trained under them.

    Args:
        masks_from: The setting `pruning.masks_from`.
        retrain: The setting `pruning.retrain`.
        retraining: That mode.

    Raises:
        UserError: There are none.
    """
    if masks_from is None:
        raise UserError("pruning.masks_shuffled is true, but there are no masks to shuffle: set --pruning.masks_from")
    if retraining.continues or retraining.releases:
        raise UserError(
            f"pruning.masks_shuffled is true, but pruning.retrain {retrain} trains the levels of a finished run on, "
            "whose weights fit its own masks alone: leave it out"
        )


def masks_source(
    masks_from: str | None,
    seed: int,
    retrain: str,
    retraining: Retraining,
    *,
    masks_shuffled: bool = False,
    scheduled: bool,
    shared: bool,
) -> MasksSource | None:
    """Return the masks that a run trains under; None where it prunes by itself.

    Args:
        masks_from: The setting `pruning.masks_from`.
        seed: Training seed.
        retrain: The setting `pruning.retrain`.
        retraining: That mode.
        masks_shuffled: The setting `pruning.masks_shuffled`; shuffled masks are no run's own, so every mode that prunes
            trains under those of a run too.
        scheduled: Whether the sparsities to prune to are said.
        shared: Whether the dense level is taken over from another run.

    Raises:
        UserError: The settings do not go together, or there are no masks there.
    """
    if masks_shuffled:
        check_shuffled(masks_from, retrain, retraining)
    on_a_run = f"pruning.retrain {retrain} trains the levels of a finished run on"
    if masks_from is None:
        if retraining.continues or retraining.releases:
            raise UserError(f"{on_a_run}: set --pruning.masks_from")
        return None
    if is_mask_file(masks_from, seed):
        if retraining.continues or retraining.releases:
            raise UserError(f"{on_a_run}, but pruning.masks_from {masks_from} is a file")
        if scheduled:
            raise UserError(
                f"pruning.masks_from {masks_from} is a file of one mask, for one level after the dense one: leave "
                "pruning.schedule and pruning.sparsities unset"
            )
        return MaskFile(masks_place(masks_from, seed))
    if not (retraining.other_masks or masks_shuffled):
        able = [name for name in RETRAININGS.names if RETRAININGS.get(name).other_masks]
        if not masks_place(masks_from, seed).exists():
            raise UserError(
                f"pruning.masks_from {masks_from} is not there: name a file of a mask, or a run and for "
                f"--pruning.retrain {' or '.join(able)}"
            )
        raise UserError(
            "pruning.masks_from asks for weights that do not come from this run's levels: set --pruning.retrain to "
            f"{' or '.join(able)}, not {retrain}"
        )
    if shared:
        raise UserError(
            "pruning.masks_from and pruning.dense_from exclude each other: a run under the masks of another has no "
            "dense level of its own to share"
        )
    return TrainedLevels(str(masks_place(masks_from, seed)))


def masks_place(masks_from: str, seed: int) -> Path:
    """Return the folder or file that the setting `pruning.masks_from` names, {seed} in it being the training seed."""
    return place_of(masks_from, MASKS_FROM, seed)
