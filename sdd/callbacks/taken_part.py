"""Which callbacks have taken part in a training of this process: they know its levels, and belong to no other run."""

from weakref import WeakSet

import lightning.pytorch as pl

from sdd.callbacks.idle_hooks import IdleAtSteps
from sdd.callbacks.level import LevelCallback
from sdd.errors import UserError

_taken_part: WeakSet[pl.Callback] = WeakSet()


def check_unused(trainer: pl.Trainer) -> None:
    """Find out whether callbacks of ours are new to a run that starts anew; a checkpoint sets them to its own state.

    Raises:
        UserError: One has taken part in another training.
    """
    used = [type(one).__name__ for one in _ours(trainer) if one in _taken_part]
    if trainer.ckpt_path is None and used:
        raise UserError(
            f"{', '.join(used)}: has taken part in a training, whose levels it knows; make the callbacks anew for each "
            "run, and go on with one by ckpt_path for Trainer.fit"
        )


def note_used(trainer: pl.Trainer) -> None:
    """Note that the callbacks of a Trainer take part in its training."""
    _taken_part.update(_ours(trainer))


def _ours(trainer: pl.Trainer) -> list[pl.Callback]:
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return [one for one in callbacks if isinstance(one, IdleAtSteps) and _derives_from_ours(type(one))]


def _derives_from_ours(kind: type) -> bool:
    """Tell whether a class is one of ours, or of the user's own on top of one that is more than a base of callbacks."""
    ours = [one for one in kind.__mro__ if issubclass(one, IdleAtSteps) and one.__module__.startswith("sdd.")]
    return any(one not in (IdleAtSteps, LevelCallback) for one in ours)
