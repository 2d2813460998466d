"""How many weights go at each level."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from sdd.errors import UserError
from sdd.pruning.masks import Masks, remove_smallest
from sdd.rounding import ceil_fraction

Scope = Literal["global", "layer"]


@dataclass(frozen=True)
class Schedule:
    """Geometric pruning, or a list of sparsities to reach; level 0 is always dense.

    Attributes:
        levels: Number of prunings; ignored where `sparsities` are given.
        fraction: Fraction of the remaining weights that each level removes, in (0, 1).
        sparsities: Rising sparsities in (0, 1], one a level; a single one is one-shot pruning.
    """

    levels: int
    fraction: float
    sparsities: Sequence[float] | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UserError: A number is outside its range, or the sparsities do not rise.
        """
        if self.levels < 0:
            raise UserError(f"pruning.levels is {self.levels}; it must be at least 0")
        if not 0 < self.fraction < 1:
            raise UserError(f"pruning.fraction is {self.fraction}; it must lie between 0 and 1, both excluded")
        if self.sparsities is None:
            return
        if not self.sparsities:
            raise UserError("pruning.sparsities is empty; give rising sparsities, or null for geometric levels")
        before = 0.0
        for value in self.sparsities:
            if not before < value <= 1:
                raise UserError(
                    f"pruning.sparsities {list(self.sparsities)}: {value} does not rise above {before} or exceeds 1; "
                    "level 0 is dense by itself, the others must rise within (0, 1]"
                )
            before = value

    @property
    def last_level(self) -> int:
        """Number of the last level; a run has one row more than this."""
        return self.levels if self.sparsities is None else len(self.sparsities)

    def count(self, level: int, remaining: int, total: int) -> int:
        """Return how many of `remaining` of `total` weights go on the way to `level` (1 or higher).

        Geometric: ⌈fraction × remaining⌉. A list: as many as bring the removed ones to ⌈sparsity × total⌉.
        """
        if self.sparsities is None:
            return ceil_fraction(self.fraction, remaining)
        return max(0, ceil_fraction(self.sparsities[level - 1], total) - (total - remaining))


def prune(scores: dict[str, Tensor], masks: Masks, schedule: Schedule, level: int, scope: Scope) -> Masks:
    """Return the masks of `level` from those of the level before.

    Args:
        scores: Importance of each weight.
        masks: Masks of the level before.
        schedule: How many go.
        level: Number of the level, 1 or higher.
        scope: `global` ranks all weights together; `layer` ranks and counts each tensor by itself.
    """
    groups = [list(masks)] if scope == "global" else [[name] for name in masks]
    pruned: Masks = {}
    for names in groups:
        group = {name: masks[name] for name in names}
        remaining = sum(int(mask.sum()) for mask in group.values())
        total = sum(mask.numel() for mask in group.values())
        count = schedule.count(level, remaining, total)
        pruned |= remove_smallest({name: scores[name] for name in names}, group, count)
    return pruned
