"""One training step: what a network, its optimizer and the callbacks have to do in it, and nothing else."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loops.progress import _Progress
from lightning.pytorch.plugins.precision import Precision
from torch import Tensor

from sdd.errors import UserError
from sdd.module import Classifier


class Step:
    """One training step: forward, backward, optimizer.

    Args:
        trainer: Of the run.
        zero_grad: Counts how often gradients were set to zero; an optimizer may ask for them several times a step.
    """

    def __init__(self, trainer: pl.Trainer, zero_grad: _Progress) -> None:
        self.trainer, self.optimizer, self._zero_grad = trainer, trainer.optimizers[0], zero_grad
        module = trainer.lightning_module
        assert isinstance(module, Classifier)
        self.module = module
        plugin = trainer.precision_plugin
        self._context: Callable[[], AbstractContextManager[Any]] | None = (
            None if type(plugin) is Precision else plugin.train_step_context
        )
        self._before_zero_grad = hooks_of(trainer, "on_before_zero_grad")
        self._before_backward = hooks_of(trainer, "on_before_backward")
        self._after_backward = hooks_of(trainer, "on_after_backward")
        self._before_step = hooks_of(trainer, "on_before_optimizer_step")

    def __enter__(self) -> "Step":
        """Take the steps of an epoch."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept from step to step."""

    @property
    def is_listened_to(self) -> bool:
        """Whether anything wants the loss as autograd gives it, or computes in another precision."""
        hooks = self._before_zero_grad or self._before_backward or self._after_backward
        return bool(hooks) or self._context is not None

    def take(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
        """Train on a batch, inputs [B, ...] and labels [B], the epoch's `number`th; returns its loss, a scalar."""
        losses: list[Tensor] = []

        @torch.enable_grad()  # which an optimizer may have switched off
        def closure() -> Tensor:
            losses[:] = [self._gradients(batch, number)]
            return losses[0]

        self.optimizer.step(closure=closure)  # type: ignore[arg-type]  # may return tensors
        if not losses:
            raise UserError(
                f"model.optimizer {type(self.optimizer).__name__} has not called the closure that its step is given, "
                "so that nothing is trained; call it, with gradients enabled"
            )
        return losses[0].detach()

    def _gradients(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
        trainer, module, optimizer = self.trainer, self.module, self.optimizer
        if self._context is None:
            loss = module.training_step(batch, number)
        else:
            with self._context():
                loss = module.training_step(batch, number)
        self._zero_grad.increment_ready()
        for hook in self._before_zero_grad:
            hook(trainer, module, optimizer)
        self._zero_grad.increment_started()
        optimizer.zero_grad()
        self._zero_grad.increment_completed()
        for hook in self._before_backward:
            hook(trainer, module, loss)
        loss.backward()
        for hook in self._after_backward:
            hook(trainer, module)
        for hook in self._before_step:
            hook(trainer, module, optimizer)
        self._clip()
        return loss

    def _clip(self) -> None:
        largest = self.trainer.gradient_clip_val
        if largest:
            self.module.configure_gradient_clipping(self.optimizer, largest, self.trainer.gradient_clip_algorithm)


def hooks_of(trainer: pl.Trainer, name: str) -> list[Callable[..., Any]]:
    """Return those methods of a Trainer's callbacks that are a hook and do something."""
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return [getattr(callback, name) for callback in callbacks if is_overridden(callback, name)]


def is_overridden(callback: pl.Callback, hook: str) -> bool:
    """Tell whether a callback has something to do in a hook."""
    return callable(getattr(callback, hook)) and (
        hook in vars(callback) or getattr(type(callback), hook) is not getattr(pl.Callback, hook)
    )
