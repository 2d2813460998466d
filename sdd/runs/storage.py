"""How much disk space a run takes, about, from the sizes of its network."""

from collections.abc import Sequence

from sdd.runs.level_file import KeepLevels, LevelPrecision

_VALUE, _HALF = 4, 2
_BITS = 8
_CHECKPOINTS = 2


def levels_size(
    parameters: int, prunable: int, surviving: Sequence[int], keep: KeepLevels, precision: LevelPrecision = "full"
) -> int:
    """Return about how many bytes the files of the levels take: surviving values, and a bit for each prunable place.

    Args:
        parameters: Of the network, and numbers in its buffers.
        prunable: Prunable weights among them.
        surviving: How many of these survive at each level, from level 0 on.
        keep: The setting `checkpoint.keep_levels`.
        precision: The setting `checkpoint.level_precision`.
    """
    mask = -(-prunable // _BITS)
    if keep == "masks":
        return len(surviving) * mask
    numbers = keep if isinstance(keep, list) else range(len(surviving) if keep else 0)
    kept = [count for level, count in enumerate(surviving) if level in numbers]
    value = _HALF if precision == "half" else _VALUE
    return sum(value * (parameters - prunable + count) + mask for count in kept)


def checkpoints_size(parameters: int, *, rewinds: bool, within_levels: bool) -> int:
    """Return about how many bytes the checkpoints to resume from take in work, and one more while it is written.

    Args:
        parameters: As above.
        rewinds: Whether weights to rewind to are kept beside the first ones.
        within_levels: Whether there are checkpoints within a level, which hold its first weights, and of the optimizer
            about one value for each parameter.
    """
    copies = 2 + rewinds + 2 * within_levels
    return (_CHECKPOINTS + 1) * _VALUE * parameters * copies
