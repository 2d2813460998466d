"""Checkpoints to resume from, and each level's weights and masks to build on."""

from pathlib import Path
from typing import Any, ClassVar

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from sdd.callbacks.level import Level, LevelCallback
from sdd.errors import UserError
from sdd.module import Classifier
from sdd.runs.folder import RunFolder

_KEPT = 2


class RunCheckpoint(LevelCallback, Checkpoint):
    """Writes `checkpoints/epoch-N.ckpt`, from which the same command goes on, at least at each level's end.

    One is written too where the training is stopped. The newest two are kept. Each level's trained network is kept
    too, as `levels/level-K.ckpt`: weights and masks only, which `test --ckpt_path` reads.

    Args:
        every_n_epochs: Also write one every so many epochs within a level; null: at level ends only.
        keep_levels: Keep each level's weights and masks.

    Raises:
        UserError: `every_n_epochs` is below 1.
    """

    PLACE: ClassVar[frozenset[str]] = frozenset({"every_n_epochs", "keep_levels"})

    def __init__(self, every_n_epochs: int | None = None, keep_levels: bool = True) -> None:
        if every_n_epochs is not None and every_n_epochs < 1:
            raise UserError(f"checkpoint.every_n_epochs is {every_n_epochs}; it must be at least 1, or null")
        self.every_n_epochs, self.keep_levels = every_n_epochs, keep_levels
        self._level_done = False

    def on_level_end(self, trainer: pl.Trainer, pl_module: Classifier, level: Level, measures: Any) -> None:
        """Keep the level's network; the checkpoint follows when all callbacks are done with the epoch."""
        if self.keep_levels:
            path = RunFolder(trainer.default_root_dir).level_checkpoint(level.level)
            _save(trainer, path, weights_only=True)
        self._level_done = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write a checkpoint where one is due. Lightning calls Checkpoint callbacks after all others."""
        epochs_done = trainer.current_epoch + 1
        due = self.every_n_epochs is not None and epochs_done % self.every_n_epochs == 0
        due |= trainer.should_stop  # so that what is trained since the last one is not lost
        if not (self._level_done or due):
            return
        self._level_done = False
        folder = RunFolder(trainer.default_root_dir)
        _save(trainer, folder.checkpoint(epochs_done), weights_only=False)
        if trainer.is_global_zero:
            for old in folder.checkpoints()[_KEPT:]:
                old.unlink()


def _save(trainer: pl.Trainer, path: Path, weights_only: bool) -> None:
    """Write on all processes together; the file appears whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        trainer.save_checkpoint(part, weights_only=weights_only)
        if trainer.is_global_zero:
            part.replace(path)
    except BaseException:
        if trainer.is_global_zero:
            part.unlink(missing_ok=True)
        raise
