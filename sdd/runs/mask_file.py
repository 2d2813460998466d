"""A ready-made mask in a file, to train under."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdd.errors import UserError
from sdd.messages import one_line
from sdd.models.state import digest_of
from sdd.pruning.masks import Masks
from sdd.runs.checkpoint_file import check_zip


class MaskFile:
    """Masks of two levels: the dense one, and one under the mask of a file.

    Args:
        path: What `torch.save` wrote of a dict from parameters' names to bool tensors, True = survives; or an `.npz`
            file of such arrays.

    Raises:
        UserError: The file is damaged, or holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._masks = _read(path)

    def check(self, last_level: int, prunable: Mapping[str, Tensor]) -> None:
        """Find out whether the mask is for this network.

        Args:
            last_level: Number of the last level that is needed.
            prunable: Prunable weights by name, each [...].

        Raises:
            UserError: It is for other weights.
        """
        check_shapes(str(self.path), self._masks, prunable)

    def masks(self, level: int) -> Masks:
        """Return a level's masks by parameter name, bool [...], on the CPU; of level 0, True everywhere."""
        if level == 0:
            return {name: torch.ones_like(mask) for name, mask in self._masks.items()}
        return self._masks

    def digest(self, level: int, *, weights: bool) -> str:
        """Return 32 hex digits that are others for other masks of a level; there are no weights."""
        return digest_of(self.masks(level))


def check_shapes(source: str, masks: Mapping[str, Tensor], prunable: Mapping[str, Tensor]) -> None:
    """Find out whether masks are for these weights.

    Args:
        source: Where the masks are from.
        masks: By parameter name, bool [...].
        prunable: Prunable weights by name, each of its mask's shape [...].

    Raises:
        UserError: Names or shapes differ.
    """
    shapes = {name: tuple(mask.shape) for name, mask in masks.items()}
    wanted = {name: tuple(weight.shape) for name, weight in prunable.items()}
    if shapes != wanted:
        differing = sorted(name for name in shapes | wanted if shapes.get(name) != wanted.get(name))
        raise UserError(
            f"pruning.masks_from {source} has masks for other weights: {', '.join(differing[:3])}; "
            "network and pruning.exclude must be the same"
        )


def _read(path: Path) -> Masks:
    content: Any
    try:
        if zipfile.is_zipfile(path):  # what earlier versions of PyTorch wrote is none
            with path.open("rb") as file:
                check_zip(file)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                content = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # readers raise whatever a damaged file leads them to
        reason = one_line(str(error))[:200]
        raise UserError(
            f"pruning.masks_from {path} cannot be read as masks: {type(error).__name__}: {reason}"
        ) from error
    if not isinstance(content, Mapping) or not content:
        raise UserError(
            f"pruning.masks_from {path} holds a {type(content).__name__}; it must be a dict from parameters' names to "
            "bool tensors"
        )
    for name, mask in content.items():
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
            kind = f"values of {mask.dtype}" if isinstance(mask, Tensor) else f"a {type(mask).__name__}"
            raise UserError(f"pruning.masks_from {path} has {kind} for {name}; it must be a tensor of bool")
    return dict(content)
