"""Schedule of listed sparsities; a single one is one-shot pruning."""

from collections.abc import Sequence

from sdd.errors import UserError
from sdd.pruning.schedules import Schedule


def listed(*, sparsities: Sequence[float]) -> Sequence[float]:
    """Prune to each of these sparsities, which rise within (0, 1].

    Raises:
        UserError: There are none.
    """
    if not sparsities:
        raise UserError("pruning.sparsities is empty; give rising sparsities, or null for geometric levels")
    return sparsities


PART = Schedule(listed)
