"""Layer-wise pruning at rates of one's own: each layer's weights are ranked by themselves and lose its fraction."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from sdd.errors import UserError
from sdd.pruning.schedules import OfRemaining, count_removed
from sdd.pruning.scopes import Group, Scope, Surviving


def layer_rates(surviving: Surviving, *, rates: Mapping[str, float]) -> list[Group]:
    """Remove ⌈rate × remaining⌉ weights of each tensor that is named; the others lose what the schedule says.

    Args:
        surviving: What there is to prune.
        rates: Fraction of the remaining weights that a level removes, in [0, 1), by weight's name; `*` and `?` match
            as in file names. LeNet's output layer with half the rate (Frankle & Carbin 2019): `fc.weight: 0.1`.

    Raises:
        UserError: A rate is outside its range, a pattern matches nothing, or a weight is named twice.
    """
    if not isinstance(rates, Mapping):
        raise UserError(f"pruning.scope_args.rates is {rates!r}; it must be rates by weight's name: {{fc.weight: 0.1}}")
    named: dict[str, str] = {}
    for pattern, rate in rates.items():
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
            raise UserError(f"pruning.scope_args.rates: {pattern} has {rate!r}; allowed: a number in [0, 1)")
        matching = [name for name in surviving.masks if fnmatchcase(name, pattern)]
        if not matching:
            raise UserError(
                f"pruning.scope_args.rates: {pattern!r} matches no prunable weight; there are: "
                f"{', '.join(surviving.masks)}"
            )
        for name in matching:
            if name in named:
                raise UserError(f"pruning.scope_args.rates: {name} is named by {named[name]!r} and by {pattern!r}")
            named[name] = pattern
    groups = []
    for name, mask in surviving.masks.items():
        if name in named:
            count = count_removed(OfRemaining(rates[named[name]]), int(mask.sum()), mask.numel())
        else:
            count = surviving.to_remove([name])
        groups.append(Group([name], count))
    return groups


PART = Scope(layer_rates)
