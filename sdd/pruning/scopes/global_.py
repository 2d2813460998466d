"""Global pruning: all weights are ranked together."""

from sdd.errors import UserError
from sdd.pruning.scopes import Group, Scope, Surviving


def whole_network(surviving: Surviving, *, also_counted: int = 0) -> list[Group]:
    """Put all tensors in one group.

    Args:
        surviving: What there is to prune.
        also_counted: Weights that are never pruned but count as remaining ones where the schedule says how many go,
            such as those of an excluded output layer: 1000 for LeNet-300-100, as in the code of He et al. 2022, whose
            curves can be compared level by level so.

    Raises:
        UserError: It is below 0.
    """
    if also_counted < 0:
        raise UserError(f"pruning.scope_args.also_counted is {also_counted}; it must be at least 0")
    names = tuple(surviving.masks)
    return [Group(names, surviving.to_remove(names, also_counted))]


PART = Scope(whole_network)
