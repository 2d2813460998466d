"""Measures that the levels of a run lack, since they were switched on later, taken from the stored levels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import lightning.pytorch as pl
import torch

from sdd.callbacks.curve_recorder import CurveRecorder
from sdd.callbacks.level import Level, LevelCallback, level_callbacks
from sdd.callbacks.level_table import LevelTable
from sdd.callbacks.measuring import measure_all
from sdd.errors import UserError
from sdd.module import Classifier
from sdd.runs.checkpoint_file import damage_of, read_checkpoint, write_checkpoint
from sdd.runs.folder import RunFolder
from sdd.runs.trained_levels import StoredLevels


class Restores(Protocol):
    """What puts a module into the state of a stored level, as `IterativePruning` does."""

    def stored_level(self, module: Classifier, levels: StoredLevels, number: int) -> Level:
        """Put the module into the state of a level that was stored, and return what is known of it."""


def measure_missing(driver: Restores, trainer: pl.Trainer, module: Classifier) -> bool:
    """Measure the stored levels of a run that is gone on with, where they lack what is switched on now.

    The numbers are those that the run would have had, bit for bit on the CPU: a level's stored weights, and random
    draws that depend on (seed, purpose, level) alone. The module is as before afterwards.

    Args:
        driver: Of the run's levels, with the state of its checkpoint.
        trainer: Of the run.
        module: Its network and masks.

    Returns:
        Whether there was anything to measure.

    Raises:
        UserError: A measure can only be taken while a level is trained, or a level is not stored.
    """
    callbacks = level_callbacks(trainer)
    recorder = next((callback for callback in callbacks if isinstance(callback, CurveRecorder)), None)
    rows = [] if recorder is None else recorder.rows
    missing = {
        int(row["level"]): lacking
        for row in rows
        if (lacking := [callback for callback in callbacks if callback.lacks(row)])
    }
    if recorder is None or not missing:
        return False
    folder = RunFolder(trainer.default_root_dir)
    _check(missing, folder)
    levels = StoredLevels(folder)
    net = {name: value.clone() for name, value in module.net.state_dict().items()}
    masks = {name: mask.clone() for name, mask in module.masks.items()}
    for number, lacking in missing.items():
        level = driver.stored_level(module, levels, number)
        with torch.random.fork_rng():
            recorder.add_measures(number, measure_all(lacking, trainer, module, level))
    module.set_masks(masks)
    module.net.load_state_dict(net)
    if trainer.is_global_zero:
        measured = {callback for lacking in missing.values() for callback in lacking}
        for table in (callback for callback in measured if isinstance(callback, LevelTable)):
            table.write(trainer)
        _keep(folder, {callback.state_key: callback.state_dict() for callback in (recorder, *measured)})
    return True


def _check(missing: Mapping[int, list[LevelCallback]], folder: RunFolder) -> None:
    for callback in {callback for lacking in missing.values() for callback in lacking}:
        if not callback.measures_later:
            raise UserError(
                f"{type(callback).__name__} measures a level only while it is trained, and {len(missing)} levels of "
                f"{folder.path} are without it: leave it out, or choose another --run_dir"
            )
    for number in sorted({before for level in missing for before in (max(level - 1, 0), level)}):
        path = folder.level_checkpoint(number)
        if not path.is_file() or damage_of(path) is not None:
            raise UserError(
                f"{folder.path} lacks measures of level {min(missing)} and others, which are taken from its stored "
                f"levels, but {path.name} is not there whole: leave the measures as they were, or train the run anew"
            )


def _keep(folder: RunFolder, states: Mapping[str, Any]) -> None:
    """Put the callbacks' states into the newest checkpoint, so that what is measured now is there next time."""
    path: Path | None = folder.newest_checkpoint()[0]
    if path is None:
        return
    content = read_checkpoint(path)
    content["callbacks"] |= {key: state for key, state in states.items() if state}
    write_checkpoint(path, content)
