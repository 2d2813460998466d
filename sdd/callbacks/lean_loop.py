"""An epoch of training steps without the framework's work between them, where nothing asks for that work."""

from collections.abc import Iterator

import lightning.pytorch as pl
from lightning.pytorch.loops.fetchers import _DataFetcher
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.plugins.precision import MixedPrecision, Precision
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import SingleDeviceStrategy
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.idle_hooks import AT_EVERY_STEP
from sdd.callbacks.lean_step import hooks_of, is_overridden
from sdd.callbacks.step_by_hand import StepByHand, step_of
from sdd.console import say
from sdd.module import Classifier

_OF_A_STEP = (
    *AT_EVERY_STEP,
    "training_step",
    "backward",
    "optimizer_step",
    "optimizer_zero_grad",
    "configure_gradient_clipping",
    "clip_gradients",
    "lr_scheduler_step",
    "on_before_batch_transfer",
    "transfer_batch_to_device",
    "on_after_batch_transfer",
)
"""Methods of a LightningModule that Lightning calls at every step."""


def obstacles(trainer: pl.Trainer) -> list[str]:
    """Return what needs Lightning's own steps, each as a user would name it; nothing where the lean ones do the same.

    Args:
        trainer: With its module attached.
    """
    found = []
    if type(trainer.strategy) is not SingleDeviceStrategy:
        found.append(f"trainer.strategy {type(trainer.strategy).__name__}")
    if not _plain_precision(trainer):
        found.append(f"trainer.precision {trainer.precision}")
    if not isinstance(trainer.profiler, PassThroughProfiler):  # type: ignore[attr-defined]
        found.append("trainer.profiler")
    if trainer.accumulate_grad_batches != 1:
        found.append(f"trainer.accumulate_grad_batches {trainer.accumulate_grad_batches}")
    interval = trainer.val_check_interval
    if interval is not None and not (isinstance(interval, float) and interval == 1):
        found.append(f"trainer.val_check_interval {interval}")
    if trainer.check_val_every_n_epoch is None:
        found.append("trainer.check_val_every_n_epoch null")
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    for callback in callbacks:
        theirs = [hook for hook in AT_EVERY_STEP if is_overridden(callback, hook) and not _is_ours(callback, hook)]
        if theirs:
            found.append(f"{type(callback).__name__}.{theirs[0]}")
    module = trainer.lightning_module
    for method in _OF_A_STEP:
        if method in vars(module) or getattr(type(module), method) is not getattr(Classifier, method):
            found.append(f"{type(module).__name__}.{method}")
    return found


def _plain_precision(trainer: pl.Trainer) -> bool:
    """Whether loss and gradients are scaled by nothing."""
    plugin = trainer.precision_plugin
    return type(plugin) is Precision or (type(plugin) is MixedPrecision and plugin.scaler is None)


def _is_ours(callback: pl.Callback, hook: str) -> bool:
    return str(getattr(callback, hook).__module__).partition(".")[0] == __name__.partition(".")[0]


def use_lean_loop(trainer: pl.Trainer) -> None:
    """Let a Trainer take lean steps where it can; to be called before it trains."""
    loop = trainer.fit_loop.epoch_loop
    if not isinstance(loop, LeanEpochLoop):
        lean = LeanEpochLoop(trainer, loop.min_steps, loop.max_steps)
        lean.val_loop = loop.val_loop  # which knows the validation data already
        trainer.fit_loop.epoch_loop = lean


class LeanEpochLoop(_TrainingEpochLoop):
    """Lightning's loop over the batches of an epoch, with steps that call only what somebody has overridden.

    A step of it computes what Lightning's does, bit for bit, and counts what it counts, so that checkpoints are the
    same. What comes after the last step, such as validation, is Lightning's. An epoch is Lightning's altogether where
    there are `obstacles`, or where a resumed run begins with it.

    Attributes:
        lean_epochs: How many epochs had lean steps.
        epochs_by_hand: How many of these took their gradients by hand.
    """

    def __init__(self, trainer: pl.Trainer, min_steps: int | None = None, max_steps: int = -1) -> None:
        super().__init__(trainer, min_steps, max_steps)
        self.lean_epochs = self.epochs_by_hand = 0
        self._told = False

    def run(self, data_fetcher: _DataFetcher) -> None:
        """Train an epoch."""
        found = obstacles(self.trainer)
        if found and not self._told and self.trainer.is_global_zero:
            say(f"training steps are Lightning's own, which cost more, because of {', '.join(found)}", error=True)
            self._told = True
        if found or self.restarting:
            super().run(data_fetcher)
            return
        self.reset()
        self.on_run_start(data_fetcher)
        self._take_steps(data_fetcher)
        self.on_iteration_done()
        self.lean_epochs += 1

    def _should_check_val_fx(self, data_fetcher: _DataFetcher) -> bool:
        """Whether to validate now: never where there is nothing to validate on, which Lightning finds out each time."""
        return "val" in data_of(self.trainer).parts and super()._should_check_val_fx(data_fetcher)

    def _take_steps(self, data_fetcher: _DataFetcher) -> None:
        trainer, count = self.trainer, data_fetcher.length or 0
        progress, optimizer = self.batch_progress, self.automatic_optimization.optim_progress.optimizer
        scheduled = any(config.interval == "step" for config in trainer.lr_scheduler_configs)
        ends = hooks_of(trainer, "on_train_batch_end")
        starts = hooks_of(trainer, "on_train_batch_start")
        batches: Iterator[tuple[Tensor, Tensor]] = iter(trainer.train_dataloader)
        with step_of(trainer, optimizer.zero_grad) as step:
            for number in range(count):
                if trainer.should_stop and self.done:
                    break
                batch = next(batches)
                data_fetcher.fetched = number + 1
                data_fetcher.done = progress.is_last_batch = number + 1 == count
                progress.increment_ready()
                for hook in starts:
                    hook(trainer, step.module, batch, number)
                progress.increment_started()
                optimizer.step.increment_ready()
                loss = step.take(batch, number)
                optimizer.step.increment_completed()
                progress.increment_processed()
                if scheduled:
                    self.update_lr_schedulers("step", update_plateau_schedulers=False)
                if progress.is_last_batch:
                    self.update_lr_schedulers("epoch", update_plateau_schedulers=False)
                for hook in ends:
                    hook(trainer, step.module, {"loss": loss}, batch, number)
                progress.increment_completed()
                if not progress.is_last_batch:
                    self._batches_that_stepped += 1
                    if trainer.received_sigterm:
                        raise SIGTERMException
        self.epochs_by_hand += type(step) is StepByHand
        if progress.is_last_batch:
            self.on_advance_end(data_fetcher)
