"""The masks of a level from those of the level before."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sdd.pruning.criteria import CRITERIA, Scoring, importance
from sdd.pruning.masks import Masks, remove_smallest
from sdd.pruning.schedules import Target
from sdd.pruning.scopes import SCOPES, Group, Surviving, groups_of


class Pruner:
    """Prunes a network level by level.

    Args:
        targets: What each level from 1 on prunes to.
        criterion: The setting `pruning.criterion`.
        criterion_args: The criterion's own arguments.
        scope: The setting `pruning.scope`.
        scope_args: The scope's own arguments.

    Raises:
        UserError: There is no such criterion or scope, or it does not take these arguments.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        criterion: str,
        criterion_args: Mapping[str, Any] | None,
        scope: str,
        scope_args: Mapping[str, Any] | None,
    ) -> None:
        self._targets = targets
        self._criterion = (criterion, CRITERIA.get(criterion, criterion_args))
        self._scope = (scope, SCOPES.get(scope, scope_args))

    def check(self, prunable: Mapping[str, Tensor]) -> None:
        """Find out whether the scope fits these weights, each [...] under its name.

        Raises:
            UserError: It does not.
        """
        if self._targets:
            dense = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in prunable.items()}
            groups_of(*self._scope, Surviving(dense, self._targets[0]))

    def masks(self, level: int, scoring: Scoring) -> Masks:
        """Return the masks of a level, nested in those of the level before.

        Args:
            level: Its number, 1 or higher.
            scoring: What weights are scored by; its masks are those of the level before.

        Returns:
            True where a weight survives, by name: bool [...] of the weight's shape.

        Raises:
            UserError: Criterion or scope return something that does not fit the network.
        """
        scores = importance(*self._criterion, scoring)
        return prune(scores, scoring.masks, groups_of(*self._scope, Surviving(scoring.masks, self._targets[level - 1])))


def prune(scores: Mapping[str, Tensor], masks: Mapping[str, Tensor], groups: Iterable[Group]) -> Masks:
    """Return new masks, nested in the old ones, of the same names and shapes.

    Args:
        scores: Importance of each weight by name, real [...].
        masks: True where a weight survives, by the same names and of the same shapes, bool [...].
        groups: Which tensors are ranked together, and how many weights each group loses.
    """
    pruned: Masks = {}
    for group in groups:
        together = {name: mask for name, mask in masks.items() if name in group.names}
        pruned |= remove_smallest({name: scores[name] for name in together}, together, group.count)
    return {name: pruned[name] for name in masks}
