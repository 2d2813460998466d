"""What a script of Lightning's own may ask for and a run of levels has not, told in words that name it."""

from functools import wraps
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.trainer.connectors.callback_connector import _CallbackConnector

from sdd.callbacks.callback_order import LevelEnd
from sdd.errors import UserError

_CONFIGURE = "_configure_checkpoint_callbacks"


class NoBestError(UserError, AttributeError):
    """The best checkpoint was asked for, and there is none: an AttributeError to whoever asks first if there is."""

    def __init__(self) -> None:
        super().__init__(
            "ckpt_path is 'best', which test, validate and predict without a model take too, but RunCheckpoint calls "
            "none of a run's files the best: give it a path in the run's folder, checkpoints/epoch-N.ckpt for fit to "
            "go on from, levels/level-K.ckpt for the others"
        )


def check_driven(trainer: pl.Trainer, callback: pl.Callback) -> None:
    """Find out whether there are levels that a callback can hear of.

    Raises:
        UserError: Nothing drives them, so that all would be trained and nothing recorded.
    """
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    if not any(isinstance(one, LevelEnd) for one in callbacks):
        raise UserError(
            f"trainer.callbacks has {type(callback).__name__} but no IterativePruning, which trains the levels that it "
            "records: add IterativePruning(...), and set max_epochs to its max_epochs"
        )


def refuse_without_checkpoints(kind: type[pl.Callback]) -> None:
    """Have every Trainer refuse `enable_checkpointing=False` beside callbacks of a class in words that name the class.

    Lightning refuses it itself, for a `ModelCheckpoint`, as the Trainer is made: no callback is asked before.
    """
    theirs: Any = getattr(_CallbackConnector, _CONFIGURE, None)
    if theirs is None:  # another version has its own way, and its own words
        return

    @wraps(theirs)
    def configure(connector: Any, enable_checkpointing: bool) -> None:
        found = [one for one in connector.trainer.callbacks if isinstance(one, kind)]
        if found and not enable_checkpointing:
            name = type(found[0]).__name__
            raise UserError(
                f"trainer.enable_checkpointing is {enable_checkpointing}, but {name} writes the checkpoints that a run "
                f"goes on from: set it to True, or leave it unset; in Python, {name} may be left out instead"
            )
        theirs(connector, enable_checkpointing)

    setattr(_CallbackConnector, _CONFIGURE, configure)
