"""One progress bar for the whole job."""

import sys
import time
from datetime import timedelta
from typing import Any, Literal

import lightning.pytorch as pl
from tqdm import tqdm

from sdd.callbacks.level import Level, LevelCallback
from sdd.module import Classifier
from sdd.parts import check_choice

_LINE_SECONDS = 60.0


class JobProgress(LevelCallback):
    """Shows how much of all levels is done and the time left, on standard error.

    Args:
        show: `bar`; `lines`: a line a minute, for logs; `none`; `auto`: a bar on a terminal, else lines.
    """

    def __init__(self, show: Literal["auto", "bar", "lines", "none"] = "auto") -> None:
        check_choice("progress.show", show, ("auto", "bar", "lines", "none"))
        self.show = show
        self._bar: Any = None
        self._steps = self._total = self._first = 0
        self._started = self._said = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin at the step that a resumed run has reached."""
        self._batches = len(trainer.train_dataloader or [])
        self._total = self._batches * (trainer.max_epochs or 0)
        self._steps = self._first = self._batches * trainer.current_epoch
        self._started = self._said = time.monotonic()
        on_terminal = sys.stderr.isatty()
        if trainer.is_global_zero and (self.show == "bar" or (self.show == "auto" and on_terminal)):
            self._bar = tqdm(
                total=self._total,
                initial=self._steps,
                unit="step",
                smoothing=0.05,
                dynamic_ncols=True,
                mininterval=0.2,
                leave=False,
            )
        self._lines = trainer.is_global_zero and (self.show == "lines" or (self.show == "auto" and not on_terminal))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move on by a step."""
        self._steps += 1
        if self._bar is not None:
            self._bar.update()
        elif self._lines and time.monotonic() - self._said >= _LINE_SECONDS:
            self._said = time.monotonic()
            rate = (self._steps - self._first) / (self._said - self._started)
            left = timedelta(seconds=round((self._total - self._steps) / rate))
            fraction = self._steps / self._total
            sys.stderr.write(
                f"{fraction:.1%} done, epoch {trainer.current_epoch} of {trainer.max_epochs}, {left} left\n"
            )
            sys.stderr.flush()

    def on_level_start(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> None:
        """Skip the epochs that a level before has not needed."""
        steps = self._total * level.level // (level.last_level + 1)
        skipped, self._steps = steps - self._steps, steps
        self._first += skipped
        if self._bar is not None and skipped:
            self._bar.n = self._bar.last_print_n = steps

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
