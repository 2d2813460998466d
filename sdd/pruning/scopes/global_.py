"""Global pruning: all weights are ranked together."""

from sdd.pruning.scopes import Group, Scope, Surviving


def whole_network(surviving: Surviving) -> list[Group]:
    """Put all tensors in one group."""
    names = tuple(surviving.masks)
    return [Group(names, surviving.to_remove(names))]


PART = Scope(whole_network)
