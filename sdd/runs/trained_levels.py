"""The trained levels of a finished run, to build other experiments on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from sdd.errors import UserError
from sdd.models.state import State, digest_of
from sdd.places import place_of
from sdd.pruning.halving import is_halved
from sdd.pruning.masks import Masks
from sdd.pruning.packing import NET
from sdd.runs.checkpoint_file import damage_of, read_checkpoint
from sdd.runs.folder import RunFolder
from sdd.runs.level_file import LevelState, level_of
from sdd.runs.mask_file import check_shapes
from sdd.runs.origin import check_origin
from sdd.runs.settings import MASKS_FROM


class StoredLevels:
    """Masks and weights of the levels that a run has trained, in its folder.

    Args:
        folder: The run's.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._masks: tuple[int, Masks] | None = None

    def masks(self, level: int) -> Masks:
        """Return a level's masks by parameter name, bool [...] of the weight's shape, on the CPU."""
        if self._masks is None or self._masks[0] != level:
            self._masks = (level, self._read(level).masks)
        return dict(self._masks[1])

    def weights(self, level: int) -> State:
        """Return a level's trained parameters and buffers by name, each [...], on the CPU, bit for bit.

        Raises:
            UserError: The run has kept its masks alone, or rounded its weights.
        """
        return self._whole(level).weights

    def digest(self, level: int, *, weights: bool) -> str:
        """Return 32 hex digits that are others for other masks of a level.

        Args:
            level: Its number.
            weights: Whether they are others for other weights too.
        """
        state = self._whole(level) if weights else self._read(level)
        tensors = {**state.masks, **{f"{NET}{name}": value for name, value in state.weights.items() if weights}}
        return digest_of(tensors)

    def _whole(self, level: int) -> LevelState:
        return self._read(level, weights=True)

    def _read(self, level: int, *, weights: bool = False) -> LevelState:
        """Read a level; with `weights` one that has them as they were trained."""
        path = self.folder.level_checkpoint(level)
        content = read_checkpoint(path)
        state = level_of(content, path)
        check_origin(content, self.folder, path)
        if weights and not state.weights:
            raise UserError(masks_only(path))
        if weights and is_halved(content):
            raise UserError(
                f"{path} holds its weights in 16 bits (checkpoint.level_precision half, or sdd clean), and they are "
                "wanted exactly: repeat that run with --checkpoint.level_precision full in another --run_dir"
            )
        return state


def masks_only(path: Path) -> str:
    """Return what to say of a level's file of which the weights are wanted, but only masks are kept."""
    return (
        f"{path} holds masks alone (checkpoint.keep_levels masks, or sdd clean), and its weights are wanted: repeat "
        "that run with --checkpoint.keep_levels true in another --run_dir"
    )


class TrainedLevels(StoredLevels):
    """Masks and weights of each level of a finished run.

    Args:
        path: The run's folder.
        setting: What names it, for messages.

    Raises:
        UserError: It is no finished run.
    """

    def __init__(self, path: str, setting: str = MASKS_FROM) -> None:
        super().__init__(RunFolder(place_of(path, setting)))
        self._setting = setting
        state = self.folder.state()
        if state.name == "damaged":
            raise UserError(f"{setting} {path} is damaged: {state.reason}")
        if state.name in {"new", "other"}:
            allowed = "the folder of a finished run" + (", or a file of masks" if setting == MASKS_FROM else "")
            raise UserError(f"{setting} {path} is no run: it must be {allowed}")
        if state.name != "finished":
            raise UserError(f"{setting} {path} is not finished: give its command again first")
        held = self.folder.settings()
        assert held is not None
        self._settings = held.values

    @property
    def settings(self) -> Mapping[str, Any]:
        """What decides the run's numbers, as flat dotted keys."""
        return dict(self._settings)

    @property
    def seed(self) -> int:
        """The run's training seed."""
        return int(self._settings["seed_everything"])

    @property
    def epochs_per_level(self) -> int:
        """Epochs of each of its levels."""
        return int(self._settings["pruning.epochs_per_level"])

    def check(self, last_level: int, prunable: Mapping[str, Tensor]) -> None:
        """Find out whether it has every level, for these prunable weights ([...] by name): see `MasksSource.check`.

        Raises:
            UserError: A level is missing or damaged, or its masks are for other weights.
        """
        for level in range(last_level + 1):
            self.check_level(level, f"but {last_level} levels are asked for; lower --pruning.levels")
        check_shapes(str(self.folder.path), self.masks(0), prunable)

    def check_level(self, level: int, otherwise: str) -> None:
        """Find out whether a level's file is there.

        Args:
            level: Its number.
            otherwise: What to say and do where it is missing.

        Raises:
            UserError: It is missing or damaged.
        """
        path = self.folder.level_checkpoint(level)
        if not path.is_file():
            raise UserError(
                f"{self._setting}: {path} is missing, {otherwise}, or repeat that run with "
                "--checkpoint.keep_levels true"
            )
        if damage := damage_of(path):
            raise UserError(f"{self._setting}: {damage}")
