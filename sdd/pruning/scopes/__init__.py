"""Scopes: which weights are ranked together, and how many go. Each built-in one is a module here, held as `PART`."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from sdd.errors import UserError
from sdd.failures import naming
from sdd.models.state import Copies
from sdd.parts import Kind
from sdd.pruning.masks import count_prunable, count_remaining
from sdd.pruning.schedules import Target, count_removed


@dataclass(frozen=True)
class Surviving:
    """The weights that survive at a level, and how many of them the schedule removes.

    Attributes:
        masks: True where a weight survives, by parameter name.
        target: What the schedule says of this level.
    """

    masks: Mapping[str, Tensor]
    target: Target

    def to_remove(self, names: Collection[str], also_counted: int = 0) -> int:
        """Return how many of these tensors' weights, taken together, the schedule removes at this level.

        Args:
            names: Of the tensors.
            also_counted: Further weights that the schedule counts, though all go on remaining.
        """
        masks = {name: self.masks[name] for name in names}
        remaining, total = count_remaining(masks), count_prunable(masks)
        return min(remaining, count_removed(self.target, remaining + also_counted, total + also_counted))


@dataclass(frozen=True)
class Group:
    """Tensors whose weights are ranked together.

    Attributes:
        names: Of the tensors.
        count: How many of their surviving weights go, those of the smallest scores.
    """

    names: Sequence[str]
    count: int


@dataclass(frozen=True)
class Scope:
    """A way to spread a level's pruning over the network.

    Attributes:
        allocate: Takes a `Surviving`; returns groups in which each tensor is exactly once. It is also asked before the
            training, with all weights surviving, so that what does not fit the network is found out at once.
    """

    allocate: Callable[..., Sequence[Group]]


SCOPES = Kind("pruning.scope", "sdd.pruning.scopes", Scope, given=("surviving",))


def groups_of(name: str, scope: Scope, surviving: Surviving) -> list[Group]:
    """Return the groups of a scope.

    Args:
        name: What the setting `pruning.scope` says.
        scope: Which one.
        surviving: What there is to prune.

    Raises:
        UserError: The scope gives something else than groups, a tensor is in no group or in several, or a group is to
            lose more weights than it has.
    """
    with naming(f"pruning.scope {name}"):
        found: object = scope.allocate(Surviving(Copies(surviving.masks), surviving.target))
        listed = list(found) if isinstance(found, Iterable) else [found]
    groups: list[Group] = []
    for group in listed:
        if not isinstance(group, Group):
            raise UserError(f"pruning.scope {name} gives a {type(group).__name__}; it must be a list of Group")
        groups.append(group)
    placed = [tensor for group in groups for tensor in group.names]
    wrong = sorted(set(placed) ^ set(surviving.masks)) or sorted({one for one in placed if placed.count(one) > 1})
    if wrong:
        raise UserError(
            f"pruning.scope {name} puts {wrong[0]} in {placed.count(wrong[0])} groups; each of "
            f"{', '.join(surviving.masks)} must be in one, and nothing else"
        )
    for group in groups:
        remaining = count_remaining({tensor: surviving.masks[tensor] for tensor in group.names})
        if isinstance(group.count, bool) or not isinstance(group.count, int) or not 0 <= group.count <= remaining:
            raise UserError(
                f"pruning.scope {name} removes {group.count} weights of {', '.join(group.names)}; allowed: a whole "
                f"number from 0 to the {remaining} that remain"
            )
    return groups
