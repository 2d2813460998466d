"""Hooks of every step that cost nothing where a callback has nothing to do in them."""

from typing import Any, ClassVar

import lightning.pytorch as pl

from sdd.given_arguments import KeepsArguments

AT_EVERY_STEP = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)


class IdleAtSteps(KeepsArguments, pl.Callback):
    """A callback that Lightning does not call at every step, but for the hooks that its class overrides.

    Lightning calls each hook of each callback at some 3 µs, which small networks feel, and passes over those that
    cannot be called. So hooks that the class leaves alone are hidden in the object; the class keeps them, and a
    subclass calls `super().on_train_batch_end(...)` as for any callback.

    Attributes:
        SECTION: Of a configuration, that holds the arguments of this very class; None: the class has none of its own.
        IN_EVERY_RUN: Whether this very class is in every run that is not put together in Python, without any setting.
    """

    SECTION: ClassVar[str | None] = None
    IN_EVERY_RUN: ClassVar[bool] = False

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        """Make the callback, its idle hooks hidden."""
        callback = super().__new__(cls, *arguments, **named)
        for hook in AT_EVERY_STEP:
            if getattr(cls, hook) is getattr(pl.Callback, hook):
                callback.__dict__[hook] = None
        return callback
