"""The masks of a level from those of the level before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from sdd.models.state import kept_state
from sdd.pruning.criteria import CRITERIA, Scoring, importance, rounds_of
from sdd.pruning.masks import Masks, count_remaining, remove_smallest
from sdd.pruning.schedules import Target, count_removed
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
        self._rounds = rounds_of(*self._criterion)
        self._scope = (scope, SCOPES.get(scope, scope_args))

    @property
    def at_initialisation(self) -> bool:
        """Whether the criterion scores the network before any training."""
        return self._criterion[1].at_initialisation

    def surviving(self, total: int) -> list[int]:
        """Return about how many of so many weights survive at each level, from level 0 on, whatever the scope."""
        counts = [total]
        for target in self._targets:
            counts.append(counts[-1] - count_removed(target, counts[-1], total))
        return counts

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
        groups = groups_of(*self._scope, Surviving(scoring.masks, self._targets[level - 1]))
        remaining = [count_remaining({name: scoring.masks[name] for name in group.names}) for group in groups]
        counts = [
            counts_of_rounds(count, group.count, self._rounds) for count, group in zip(remaining, groups, strict=True)
        ]
        masks = dict(scoring.masks)
        with kept_state(scoring.net):
            for number, now in enumerate(zip(*counts, strict=True), 1):
                if number < self._rounds and not any(now):
                    continue  # nothing goes yet, so the next round's scores are these
                scores = importance(*self._criterion, replace(scoring, masks=masks))
                parts = [replace(group, count=count) for group, count in zip(groups, now, strict=True)]
                masks = prune(scores, masks, parts)
                if number < self._rounds:
                    _remove(scoring.parameters, scoring.masks, masks)
        return masks


def counts_of_rounds(remaining: int, count: int, rounds: int) -> list[int]:
    """Return how many weights each round of a level removes, such that each leaves the same fraction, [rounds].

    After round k of n there are remaining · ((remaining − count) / remaining)^(k/n) left, rounded: the exponential
    schedule of Tanaka et al. 2020.

    Args:
        remaining: How many there are before.
        count: How many the rounds remove together, from 0 to `remaining`.
        rounds: Their number, 1 or more.
    """
    kept = 1 - count / remaining if count else 1.0
    left = [round(remaining * kept ** (number / rounds)) for number in range(rounds)] + [remaining - count]
    return [before - after for before, after in pairwise(left)]


def _remove(parameters: Mapping[str, Tensor], before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> None:
    """Set to zero, in place, the weights [...] by name that one mask keeps and a later one does not."""
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.masked_fill_(before[name] & ~after[name], 0)


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
