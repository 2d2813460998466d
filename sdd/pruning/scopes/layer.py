"""Layer-wise pruning: each layer's weights are ranked by themselves and lose the same fraction."""

from sdd.pruning.scopes import Group, Scope, Surviving


def each_tensor(surviving: Surviving) -> list[Group]:
    """Put each tensor in a group of its own."""
    return [Group([name], surviving.to_remove([name])) for name in surviving.masks]


PART = Scope(each_tensor)
