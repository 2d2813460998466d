"""Numbers that no setting can mean, refused whatever the setting."""

import math
from collections.abc import Iterator
from typing import Any

from sdd.errors import UserError

_LARGEST = 10**12

_SEEDS = ("seed", "seed_everything", "noise_seed", "subset_seed")
"""These are hashed, so that any whole number will do."""


def check_numbers(settings: Any) -> None:
    """Find out whether all numbers of a configuration are numbers, of a size that a count or measure can have.

    What stands in the own arguments of a part, as `model.loss_args` or `init_args` of a network, may be infinite or
    large: what it means is known to the part alone. NaN is refused there too: it is not equal to itself, so that no run
    could be found again by it.

    Args:
        settings: Nested, as YAML holds them.

    Raises:
        UserError: One is not; the message names the setting.
    """
    for name, number in _numbers(settings, ""):
        if isinstance(number, float) and math.isnan(number):
            raise UserError(f"{name} is nan; it must be a number")
        if _is_own(name):
            continue
        if isinstance(number, float) and math.isinf(number):
            raise UserError(f"{name} is {number}; it must be finite")
        if isinstance(number, int) and abs(number) > _LARGEST and name.rpartition(".")[2] not in _SEEDS:
            raise UserError(f"{name} is {number}; it must lie within -{_LARGEST:,} and {_LARGEST:,}")


def _numbers(value: Any, name: str) -> Iterator[tuple[str, float | int]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _numbers(one, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for one in value:
            yield from _numbers(one, name)
    elif isinstance(value, float | int) and not isinstance(value, bool):
        yield name, value


def _is_own(name: str) -> bool:
    """Tell whether a setting is an argument of a part that may be anybody's, other than an optimizer or schedule."""
    if name.startswith(("model.optimizer.", "model.lr_scheduler.")):
        return False
    return any(part.endswith("_args") for part in name.split("."))
