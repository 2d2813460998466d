"""How many epochs a run takes, known from its settings alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from sdd.pruning.schedules import planned_targets
from sdd.runs.masks_source import is_mask_file


def planned_epochs(
    levels: int,
    fraction: float,
    sparsities: Sequence[float] | None,
    schedule: str | None,
    schedule_args: Mapping[str, Any] | None,
    epochs_per_level: int,
    masks_from: str | None,
    seed: int,
) -> int:
    """Return the epochs of all levels together, as `trainer.max_epochs` must say; see `IterativePruning`.

    Raises:
        UserError: There is no such schedule, or it does not fit.
    """
    targets = planned_targets(schedule, schedule_args, levels=levels, fraction=fraction, sparsities=sparsities)
    last_level = 1 if is_mask_file(masks_from, seed) else len(targets)
    return (last_level + 1) * epochs_per_level
