"""Watches the numbers of each level, and says in a line where one is no ordinary result."""

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import lightning.pytorch as pl
import torch

from sdd.analysis.level_warnings import LevelNumbers, Yardstick, level_warnings
from sdd.callbacks.accuracy import data_of
from sdd.callbacks.iterative_pruning import IterativePruning
from sdd.callbacks.level import Level, LevelCallback
from sdd.console import say
from sdd.errors import UserError
from sdd.measures.small_loss import small_loss
from sdd.module import Classifier
from sdd.pruning.masks import dead_layers

_MEASURED = {"train_loss": "train_loss", "train_acc": "train_acc", "test_acc": "test_acc", "moved": "distance_start"}
"""Measures by what the numbers of a level call them."""


class LevelWarnings(LevelCallback):
    """Warns of exploded losses, dead layers, and levels that learn nothing, move nothing or do not differ.

    What they are is said in `sdd.analysis.level_warnings`. Each is said once, as soon as it is known, and kept for
    `summary.json`. With 16 bits a step whose gradients are not finite is skipped by the gradient scaler, and that is as
    it should be; a level all of whose steps were skipped has trained nothing, and ends the run.
    """

    IN_EVERY_RUN = True

    def __init__(self) -> None:
        self._levels: list[LevelNumbers] = []
        self._yardstick: Yardstick
        self._said: set[tuple[str, int]] = set()
        self._may_skip_all = False

    def warnings(self) -> list[str]:
        """Return what went wrong so far, a line each."""
        return [one.text for one in level_warnings(self._levels, self._yardstick)]

    def shorten(self) -> None:
        """Let a level have all its steps skipped: the scale is still being found in so few."""
        self._may_skip_all = True

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Know what numbers are compared with, and repeat what was found before a run was stopped."""
        super().on_fit_start(trainer, pl_module)
        assert isinstance(pl_module, Classifier)
        data = data_of(trainer)
        labels = data.split("train").labels
        self._yardstick = Yardstick(
            small_loss=small_loss(pl_module.loss, data.num_classes, labels.device),
            guessed=int(labels.cpu().bincount().max()) / len(labels),
            examples=len(labels),
            against_collapse=_against_collapse(trainer),
        )
        self._say_new(trainer)

    def on_level_start(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> None:
        """Begin with the level's masks."""
        numbers = LevelNumbers(
            level=level.level,
            remaining=level.remaining,
            layers=len(level.masks),
            dead=dead_layers(level.masks),
            rate=_rate_setting(trainer, pl_module),
        )
        self._levels = [*(one for one in self._levels if one.level < level.level), numbers]
        self._say_new(trainer)

    def on_level_epoch_end(self, trainer: pl.Trainer, pl_module: Classifier, level: Level, epoch: int) -> None:
        """Note where the loss went beyond all bounds; the mean of an epoch is known by now anyway."""
        limit = self._yardstick.largest_loss
        if self._levels and self._levels[-1].exploded_epoch is None and pl_module.epoch_loss > limit:
            step = pl_module.first_step_beyond(limit)
            self._note(exploded_epoch=epoch, exploded_step=step, exploded_loss=pl_module.epoch_loss)
            self._say_new(trainer)

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Find out whether gradient scaling has skipped the whole level; it measures nothing.

        Raises:
            UserError: It has.
        """
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        if scaler is None or self._may_skip_all:
            return {}
        state = scaler.state_dict()
        if state.get("_growth_tracker") == 0 and not _has_moved(pl_module, level):
            raise UserError(
                f"level {level.level}: all of its steps were skipped, the last one at step {trainer.global_step}, "
                f"since their gradients are not finite in 16 bits, even scaled by {state['scale']:.3g} only "
                f"(trainer.precision {trainer.precision}): set --trainer.precision bf16-mixed or 32-true"
            )
        return {}

    def on_level_end(
        self, trainer: pl.Trainer, pl_module: Classifier, level: Level, measures: Mapping[str, float]
    ) -> None:
        """Complete the level's numbers."""
        if self._levels:
            self._note(**{name: float(measures.get(measure, math.nan)) for name, measure in _MEASURED.items()})
            self._say_new(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers of the levels so far."""
        return {"levels": [asdict(one) for one in self._levels]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up those of a run that was left."""
        self._levels = [LevelNumbers(**one) for one in state_dict["levels"]]

    def _note(self, **numbers: Any) -> None:
        self._levels[-1] = replace(self._levels[-1], **numbers)

    def _say_new(self, trainer: pl.Trainer) -> None:
        for one in level_warnings(self._levels, self._yardstick):
            if (one.kind, one.level) not in self._said and trainer.is_global_zero:
                say(f"warning: {one.text}", error=True)
            self._said.add((one.kind, one.level))


def _driver(trainer: pl.Trainer) -> IterativePruning | None:
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return next((callback for callback in callbacks if isinstance(callback, IterativePruning)), None)


def _rate_setting(trainer: pl.Trainer, module: Classifier) -> str:
    """Return what sets the learning rate of the module's level, in words."""
    driver = _driver(trainer)
    if module.constant_lr is None or driver is None:
        return "--model.optimizer.lr"
    named = {"finetune": "--pruning.finetune_lr", "redense": "--pruning.redense_lr"}
    return named.get(driver.retrain, f"the learning rate of pruning.retrain {driver.retrain}")


def _against_collapse(trainer: pl.Trainer) -> str:
    """Return what to set where layers lose all their weights."""
    driver = _driver(trainer)
    if driver is None or driver.source is not None:
        return "so it is in the masks of pruning.masks_from"
    ways = ["--pruning.scope layer"] if driver.scope == "global" else []
    ways += ["--pruning.criterion synflow"] if driver.criterion != "synflow" else []
    return f"set {', '.join([*ways, '--pruning.exclude'])} or prune less"


def _has_moved(module: Classifier, level: Level) -> bool:
    """Tell whether a trainable parameter is another than at the level's start."""
    return any(
        not torch.equal(parameter.detach().cpu(), level.start[name])
        for name, parameter in module.net.named_parameters()
        if parameter.requires_grad
    )
