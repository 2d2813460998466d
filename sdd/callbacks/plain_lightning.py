"""What a script of Lightning's own may ask for and a run of levels has not, told in words that name it."""

import lightning.pytorch as pl

from sdd.callbacks.callback_order import LevelEnd
from sdd.errors import UserError

_NO_BEST = (
    "ckpt_path is 'best', which test, validate and predict without a model take too, but RunCheckpoint calls none of a "
    "run's files the best: give it a path in the run's folder, checkpoints/epoch-N.ckpt for fit to go on from, "
    "levels/level-K.ckpt for the others"
)


class NoBestError(UserError, AttributeError):
    """The best checkpoint was asked for, and there is none: an AttributeError to whoever asks first if there is."""

    def __init__(self, message: str = _NO_BEST) -> None:
        super().__init__(message)


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
