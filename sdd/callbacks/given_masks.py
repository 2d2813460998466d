"""Masks that a run takes from elsewhere, and whether they are still those of its start when it is gone on with."""

from typing import Any

import torch

from sdd.errors import UserError
from sdd.pruning.masks import Masks, shuffled
from sdd.pruning.retraining import Retraining
from sdd.runs.masks_source import MasksSource


class GivenMasks:
    """The masks of `pruning.masks_from`, as the levels take them, and digests of what they were at the run's start.

    Args:
        source: Where they are; None: the run prunes by itself.
        retraining: Its mode: one that trains the levels of the source on takes their weights too.
        seed: Training seed.
        masks_shuffled: Whether they are permuted within each layer.
    """

    def __init__(self, source: MasksSource | None, retraining: Retraining, seed: int, *, masks_shuffled: bool) -> None:
        self._source, self._retraining, self._seed, self._shuffled = source, retraining, seed, masks_shuffled
        self._digests: list[str] = []

    def masks(self, level: int, held: Masks) -> Masks | None:
        """Return the masks of a level that are not pruned here; None where they are.

        Args:
            level: Its number.
            held: Those of the module, bool [...] by name, which stay where masks are released.
        """
        if self._source is None:
            return None
        masks = held if self._retraining.releases else self._source.masks(level)
        return shuffled(masks, self._seed) if self._shuffled else masks

    def check_unchanged(self, level: int, held: Masks, last_level: int) -> None:
        """Note what the source is, or find out whether it is what it was when the run was started.

        Args:
            level: That the run is in.
            held: Its masks, bool [...] by name.
            last_level: Number of the run's last level.

        Raises:
            UserError: A level of it has other masks, or other weights where these are trained on.
        """
        if self._source is None:
            return
        weights = self._retraining.continues
        digests = [self._source.digest(number, weights=weights) for number in range(last_level + 1)]
        changed = [number for number, pair in enumerate(zip(digests, self._digests, strict=False)) if len({*pair}) > 1]
        given = self.masks(level, held) if level and not self._digests else None  # a version that kept no digests
        if given is not None and any(not torch.equal(mask.cpu(), held[name].cpu()) for name, mask in given.items()):
            changed = [level]
        if changed:
            raise UserError(
                f"pruning.masks_from: its level {changed[0]} has other {'weights' if weights else 'masks'} than when "
                "this run was started, as if it had been trained anew: put the old one back, or choose another "
                "--run_dir"
            )
        self._digests = digests

    def state_dict(self) -> list[str]:
        """Return the digests of the source's levels."""
        return self._digests

    def load_state_dict(self, state: Any) -> None:
        """Take up the digests of the run's start."""
        self._digests = list(state)
