"""The file of a trained level: its weights and masks as plain tensors."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sdd.errors import UserError
from sdd.messages import one_line
from sdd.models.state import State
from sdd.pruning.halving import halve, to_full
from sdd.pruning.masks import Masks, parameter_name
from sdd.pruning.packing import MASKS, NET, unpack_checkpoint
from sdd.runs.checkpoint_file import read_checkpoint


class LevelState(NamedTuple):
    """A trained level, on the CPU.

    Attributes:
        weights: The network's `state_dict`: each parameter and buffer [...] by name, removed weights among them.
        masks: True where a weight survives, by the weight's name, bool [...] of its shape.
    """

    weights: State
    masks: Masks


def read_level(path: str | os.PathLike[str]) -> LevelState:
    """Read `levels/level-K.ckpt` of a run, of this version of sdd or of an earlier one.

    Args:
        path: The file.

    Raises:
        UserError: It is missing, damaged or something else.
    """
    return level_of(read_checkpoint(Path(path)), path)


def level_of(content: Mapping[str, Any], path: str | os.PathLike[str]) -> LevelState:
    """Return the level that a file holds: see `read_level`.

    Args:
        content: Of the file, as `read_checkpoint` gives it.
        path: Its path, for messages.

    Raises:
        UserError: It holds none.
    """
    place = Path(path)
    try:
        unpacked = dict(content)
        unpack_checkpoint(unpacked)
        to_full(unpacked)
        state = unpacked["state_dict"].items()
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{place} is damaged, or no file of a level: {one_line(str(error))[:200]}") from error
    return LevelState(
        {name.removeprefix(NET): value for name, value in state if name.startswith(NET)},
        {parameter_name(name.removeprefix(MASKS)): value for name, value in state if name.startswith(MASKS)},
    )


KeepLevels = bool | Literal["masks"] | list[int]
"""What a run keeps of its levels: all of each; nothing; `masks` alone; or all of those of these numbers."""

LevelPrecision = Literal["full", "half"]
"""How exactly the weights of levels are kept: as they are, or in 16 bits."""


def kept_of(
    content: dict[str, Any], level: int, keep: KeepLevels, precision: LevelPrecision = "full"
) -> dict[str, Any] | None:
    """Return what is kept of a level; None: nothing.

    Args:
        content: All of it, packed.
        level: Its number.
        keep: The setting `checkpoint.keep_levels`.
        precision: The setting `checkpoint.level_precision`.
    """
    if keep == "masks":
        return masks_alone(content)
    if not (keep is True or (isinstance(keep, list) and level in keep)):
        return None
    return halve(content) if precision == "half" else content


def masks_alone(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file of a level holds without its weights.

    Args:
        content: Of the file, packed.
    """
    state = {name: value for name, value in content["state_dict"].items() if name.startswith(MASKS)}
    if "packed" not in content:  # of an earlier version
        return {**content, "state_dict": state}
    return {**content, "state_dict": state, "packed": {"masks": content["packed"]["masks"], "weights": {}, "same": {}}}


def holds_weights(content: Mapping[str, Any]) -> bool:
    """Tell whether a file of a level, or a checkpoint, holds weights beside masks; `content` is all of it."""
    return any(name.startswith(NET) for name in content.get("state_dict", ()))
