"""Pruning schedules: how much is pruned at each level. Each built-in one is a module here, held as `PART`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdd.errors import UserError
from sdd.failures import naming
from sdd.parts import Kind
from sdd.rounding import ceil_fraction


@dataclass(frozen=True)
class OfRemaining:
    """A level that removes a fraction of what remains.

    Attributes:
        fraction: In (0, 1).
    """

    fraction: float


Target = float | OfRemaining
"""What a level prunes to: a sparsity in (0, 1], or a fraction of what remained at the level before."""


@dataclass(frozen=True)
class Schedule:
    """A schedule of sparsities.

    Attributes:
        targets: Returns what each level from 1 on prunes to. Its keyword-only arguments `levels`, `fraction` and
            `sparsities`, where it has them, are the settings of these names in `pruning`.
    """

    targets: Callable[..., Sequence[Target]]


_MOST_LEVELS = 100_000

SCHEDULES = Kind("pruning.schedule", "sdd.pruning.schedules", Schedule, given=())


def count_removed(target: Target, remaining: int, total: int) -> int:
    """Return how many of `remaining` of `total` weights go on the way to a target.

    A fraction of what remains: ⌈fraction × remaining⌉. A sparsity: as many as bring the removed ones to
    ⌈sparsity × total⌉.
    """
    if isinstance(target, OfRemaining):
        return ceil_fraction(target.fraction, remaining)
    return max(0, ceil_fraction(target, total) - (total - remaining))


def planned_targets(
    schedule: str | None,
    arguments: Mapping[str, Any] | None,
    *,
    levels: int,
    fraction: float,
    sparsities: Sequence[float] | None,
) -> tuple[Target, ...]:
    """Return what each level from 1 on prunes to; level 0 is always dense.

    Args:
        schedule: Name or import path; None: `sparsities` where they are given, else `geometric`.
        arguments: The schedule's own.
        levels: The setting `pruning.levels`.
        fraction: The setting `pruning.fraction`.
        sparsities: The setting `pruning.sparsities`.

    Raises:
        UserError: There is no such schedule, a setting is outside its range or not used, there are no targets though
            `levels` is not 0, or the sparsities do not rise within (0, 1].
    """
    chosen = schedule or ("geometric" if sparsities is None else "sparsities")
    if not 0 <= levels <= _MOST_LEVELS:
        raise UserError(f"pruning.levels is {levels}; it must be from 0 to {_MOST_LEVELS:,}")
    if not 0 < fraction < 1:
        raise UserError(f"pruning.fraction is {fraction}; it must lie between 0 and 1, both excluded")
    takes, given = SCHEDULES.takes(chosen), dict(arguments or {})
    settings = {"levels": levels, "fraction": fraction, "sparsities": sparsities}
    twice = sorted(settings.keys() & given.keys())
    if twice:
        raise UserError(f"pruning.schedule_args.{twice[0]} is the setting pruning.{twice[0]}: set that instead")
    if "sparsities" not in takes and sparsities is not None:
        raise UserError(f"pruning.schedule {chosen} does not use pruning.sparsities: leave one of the two unset")
    if "sparsities" in takes and sparsities is None:
        raise UserError(f"pruning.schedule {chosen} needs pruning.sparsities")
    own = {name: value for name, value in settings.items() if name in takes}
    part = SCHEDULES.get(chosen, given | own)
    with naming(f"pruning.schedule {chosen}"):
        targets = _checked(chosen, part.targets())
    if not targets and not ("levels" in takes and levels == 0):
        raise UserError(
            f"pruning.schedule {chosen} gives no level, so nothing would be pruned; it must give a sparsity for each "
            "level; to train the dense network alone, set --pruning.levels 0 with the schedule geometric"
        )
    return targets


def _checked(chosen: str, targets: object) -> tuple[Target, ...]:
    """Return targets that are fractions of what remains, or sparsities that rise."""
    if isinstance(targets, str | Mapping) or not hasattr(targets, "__iter__"):
        raise UserError(f"pruning.schedule {chosen} gives {targets!r}; it must be a list of sparsities")
    checked: list[Target] = []
    before = 0.0
    for target in targets:
        if isinstance(target, OfRemaining):
            if not 0 < target.fraction < 1:
                raise UserError(f"pruning.schedule {chosen} removes a fraction of {target.fraction}; allowed: (0, 1)")
            checked.append(target)
            continue
        try:
            value = float(target)
        except (TypeError, ValueError):
            raise UserError(f"pruning.schedule {chosen} gives {target!r}; it must be a sparsity in (0, 1]") from None
        if not before < value <= 1:
            raise UserError(
                f"pruning.schedule {chosen}: the sparsity {value} does not rise above {before} or exceeds 1; level 0 "
                "is dense by itself, the others must rise within (0, 1]"
            )
        checked.append(value)
        before = value
    return tuple(checked)
