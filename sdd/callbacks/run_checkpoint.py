"""Checkpoints to resume from, and each level's weights and masks to build on."""

from pathlib import Path
from typing import Any, ClassVar, get_args

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from sdd.callbacks.checkpoint_io import CheckedCheckpointIO, use_checked_files
from sdd.callbacks.level import Level, LevelCallback, refuse_other_levels
from sdd.callbacks.plain_lightning import NoBestError
from sdd.errors import UserError
from sdd.files import PART, put_in_place
from sdd.locks import check_there
from sdd.module import Classifier
from sdd.parts import check_choice
from sdd.pruning.packing import pack_checkpoint
from sdd.runs.checkpoint_file import damage_of
from sdd.runs.folder import RunFolder
from sdd.runs.level_file import KeepLevels, LevelPrecision, kept_of
from sdd.runs.origin import ORIGIN, origin_of

_KEPT = 2
"""Checkpoints to resume from that a run in work has, the second for the case that the newest is damaged."""


class RunCheckpoint(LevelCallback, Checkpoint):
    """Writes `checkpoints/epoch-N.ckpt`, from which the same command goes on, at least at each level's end.

    One is written too where the training is stopped. The newest two are kept, and of a finished run the last one: to
    measure more of its levels it takes the first weights, those to rewind to, and the rows so far. Each level's trained
    network is kept too, as `levels/level-K.ckpt`: weights and masks only, which `test --ckpt_path` reads;
    `python -m sdd clean` frees what a finished run needs no more.
    Neither holds removed weights: see `sdd.pruning.packing`.

    Args:
        every_n_epochs: Also write one every so many epochs within a level; null: at level ends only.
        keep_levels: What to keep of the levels: weights and masks of each (`true`) or of those listed, such as
            [0, 12, 20]; `masks` of each, which `pruning.masks_from` takes for fresh weights; or nothing (`false`).
            `test`, `interpolate`, `redense`, distillation and measuring more later want weights.
        level_precision: How exactly weights of levels are kept: as they are (`full`), or rounded to 16 bits (`half`),
            which halves what they take. Of `half` ones `test` gives slightly other numbers than the curve, and says so;
            `interpolate`, `redense`, distillation and measuring more later refuse them. Masks are exact, and so are
            the checkpoints that a run goes on from.

    Raises:
        UserError: `every_n_epochs` is below 1, or a level below 0, or `half` is for weights that are not kept.
    """

    SECTION = "checkpoint"
    PLACE: ClassVar[frozenset[str]] = frozenset({"every_n_epochs", "keep_levels", "level_precision"})

    def __init__(
        self,
        every_n_epochs: int | None = None,
        keep_levels: KeepLevels = True,
        level_precision: LevelPrecision = "full",
    ) -> None:
        if every_n_epochs is not None and every_n_epochs < 1:
            raise UserError(f"checkpoint.every_n_epochs is {every_n_epochs}; it must be at least 1, or null")
        if isinstance(keep_levels, list) and min(keep_levels, default=0) < 0:
            raise UserError(f"checkpoint.keep_levels names level {min(keep_levels)}; levels are counted from 0")
        check_choice("checkpoint.level_precision", level_precision, get_args(LevelPrecision))
        if level_precision == "half" and not (keep_levels is True or isinstance(keep_levels, list)):
            raise UserError(
                f"checkpoint.level_precision is half, but checkpoint.keep_levels {str(keep_levels).lower()} keeps no "
                "weights: leave one of the two out"
            )
        self.every_n_epochs, self.keep_levels, self.level_precision = every_n_epochs, keep_levels, level_precision
        self._level_done = False
        self._origin: dict[str, Any] | None = None

    @property
    def best_model_path(self) -> str:
        """Nothing: what Lightning reads where `ckpt_path` is 'best'.

        Raises:
            NoBestError: Always.
        """
        raise NoBestError

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Find out what the run in the folder is, for the files to hold.

        Raises:
            UserError: No levels are trained.
        """
        super().on_fit_start(trainer, pl_module)
        self._origin = origin_of(RunFolder(trainer.default_root_dir)) if trainer.is_global_zero else None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Have all checkpoints written to last, and read only where they are whole."""
        use_checked_files(trainer)

    def check_levels(self, last_level: int) -> None:
        """Find out whether the levels to keep are levels of the run."""
        if isinstance(self.keep_levels, list):
            refuse_other_levels("checkpoint.keep_levels", self.keep_levels, last_level)

    def shorten(self) -> None:
        """Keep whatever levels there are."""
        if isinstance(self.keep_levels, list):
            self.keep_levels = True

    def on_level_end(self, trainer: pl.Trainer, pl_module: Classifier, level: Level, measures: Any) -> None:
        """Keep the level's network; the checkpoint follows when all callbacks are done with the epoch."""
        if self.keep_levels is not False:
            content = self._content(trainer, weights_only=True)
            kept = kept_of(content, level.level, self.keep_levels, self.level_precision)
            if kept is not None:
                _save(trainer, RunFolder(trainer.default_root_dir).level_checkpoint(level.level), kept)
        self._level_done = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write a checkpoint where one is due. Lightning calls Checkpoint callbacks after all others."""
        epochs_done = trainer.current_epoch + 1
        due = self.every_n_epochs is not None and epochs_done % self.every_n_epochs == 0
        due |= trainer.should_stop  # so that what is trained since the last one is not lost
        if not (self._level_done or due):
            return
        content = self._content(trainer, weights_only=False)
        if self._level_done:
            _forget_steps(content)
        self._level_done = False
        folder = RunFolder(trainer.default_root_dir)
        _save(trainer, folder.checkpoint(epochs_done), content)
        if trainer.is_global_zero:
            for old in folder.checkpoints()[_KEPT:]:
                old.unlink()

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the last checkpoint alone, if the run is finished: `CurveRecorder` has said so by now."""
        folder = RunFolder(trainer.default_root_dir)
        if trainer.is_global_zero and folder.finished:
            checkpoints = folder.checkpoints()
            if len(checkpoints) > 1 and damage_of(checkpoints[0]) is None:
                for old in checkpoints[1:]:
                    old.unlink()

    def _content(self, trainer: pl.Trainer, weights_only: bool) -> dict[str, Any]:
        """Return what `trainer.save_checkpoint` would write, packed; called on all processes together."""
        content: dict[str, Any] = trainer._checkpoint_connector.dump_checkpoint(weights_only)
        pack_checkpoint(content)
        return content if self._origin is None else content | {ORIGIN: self._origin}


def _forget_steps(content: dict[str, Any]) -> None:
    """Leave out momenta and the like, which end with a level: the next one makes its optimizer anew."""
    content["optimizer_states"] = [
        held | {"state": {}} if isinstance(held, dict) and "state" in held else held
        for held in content["optimizer_states"]
    ]


def _save(trainer: pl.Trainer, path: Path, content: dict[str, Any]) -> None:
    """Write on all processes together; the file appears whole and to last, or not at all."""
    with trainer.profiler.profile("save_checkpoint"):  # type: ignore[attr-defined]
        if isinstance(trainer.strategy.checkpoint_io, CheckedCheckpointIO):
            trainer.strategy.save_checkpoint(content, path)
        else:
            _save_otherwise(trainer, path, content)
        trainer.strategy.barrier("save_checkpoint")


def _save_otherwise(trainer: pl.Trainer, path: Path, content: dict[str, Any]) -> None:
    """Let a plugin of the user's write it under another name first."""
    part = path.with_name(f".{path.name}{PART}")
    check_there(part)
    try:
        trainer.strategy.save_checkpoint(content, part)
        if trainer.is_global_zero:
            put_in_place(part, path)
    except BaseException:
        if trainer.is_global_zero:
            part.unlink(missing_ok=True)
        raise
