"""One progress bar over all levels of a run."""

from typing import Any, ClassVar, get_args

import lightning.pytorch as pl

from sdd.callbacks.level import Level, LevelCallback
from sdd.console import Progress, Show
from sdd.module import Classifier
from sdd.parts import check_choice
from sdd.runs.heartbeat import Heartbeat


class JobProgress(LevelCallback):
    """Shows how much of all levels is done and the time left, on standard error.

    Args:
        show: `bar`; `lines`: a line a minute, for logs; `none`; `auto`: a bar on a terminal, else lines.
        heartbeat: File that says at most once a second which level and epoch is trained; null: none.
    """

    SECTION = "progress"
    PLACE: ClassVar[frozenset[str]] = frozenset({"show", "heartbeat"})

    def __init__(self, show: Show = "auto", heartbeat: str | None = None) -> None:
        check_choice("progress.show", show, get_args(Show))
        self.show: Show = show
        self._heartbeat, self._level = Heartbeat(heartbeat), ""
        self._progress: Progress | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin at the step that a resumed run has reached."""
        batches = len(trainer.train_dataloader or [])
        total, done = batches * (trainer.max_epochs or 0), batches * trainer.current_epoch
        show = self.show if trainer.is_global_zero else "none"
        self._progress = Progress(total, done, "step", smoothing=0.05, show=show)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move on by a step."""
        if self._progress is not None:
            epoch = f"epoch {trainer.current_epoch} of {trainer.max_epochs}"
            self._progress.move_to(self._progress.done + 1, epoch)
        if self._heartbeat.due:
            self._beat(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give a sign of life where an epoch has no step of training, too."""
        self._beat(trainer)

    def on_level_start(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> None:
        """Skip the epochs that a level before has not needed."""
        self._level = f"level {level.level} of {level.last_level}, "
        if self._progress is not None:
            self._progress.skip_to(self._progress.total * level.level // (level.last_level + 1))

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.close()
            self._progress = None

    def _beat(self, trainer: pl.Trainer) -> None:
        if trainer.is_global_zero:
            self._heartbeat.beat(f"{self._level}epoch {trainer.current_epoch} of {trainer.max_epochs}")
