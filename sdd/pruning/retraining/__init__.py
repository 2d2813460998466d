"""Retraining modes: a level's first weights and learning rate. Each built-in one is a module here, held as `PART`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from sdd.errors import UserError
from sdd.failures import naming
from sdd.models.state import State
from sdd.parts import Kind
from sdd.pruning.masks import mask_state


@dataclass(frozen=True)
class Restart:
    """What the start of a level is made from; normalisation statistics come with the weights that they belong to.

    A tensor that the network has under several names is in each state once, under the first of them, and so it is in
    what a mode returns. All are copies, which a mode may write into.

    Attributes:
        level: Number of the level, 1 or higher; 0 too for a mode that trains the levels of another run on.
        trained: The state at the end of the level before; for a mode that trains the levels of another run on, that
            run's at the end of this level.
        rewind: The state of level 0 after `pruning.rewind_steps` steps.
        initial: The state of level 0 before any training.
        fresh: Draws a fresh initialisation for this level.
        masks: Masks of this level, on the CPU.
    """

    level: int
    trained: Mapping[str, Tensor]
    rewind: Mapping[str, Tensor]
    initial: Mapping[str, Tensor]
    fresh: Callable[[], Mapping[str, Tensor]]
    masks: Mapping[str, Tensor]


@dataclass(frozen=True)
class Rates:
    """What the learning rate of a level is made from.

    Attributes:
        level: Number of the level.
        finetune_lr: The setting `pruning.finetune_lr`.
        last_rate: Returns the rate that the schedule of rates ends a level with, in the run whose levels are trained
            on where there is one.
        redense_lr: The setting `pruning.redense_lr`.
    """

    level: int
    finetune_lr: float
    last_rate: Callable[[], float]
    redense_lr: float | None = None


def scheduled(rates: Rates) -> float | None:
    """Keep the optimizer's rate and its schedule."""
    return None


@dataclass(frozen=True)
class Retraining:
    """A retraining mode.

    Attributes:
        start: Takes a `Restart`; returns the weights and buffers that a level starts from, by name. Removed weights are
            set to their frozen values afterwards, in a copy.
        rate: Takes `Rates`; returns a level's constant learning rate, or None for the optimizer's and its schedule.
        rewinds: Whether the schedule of rates goes back to step `pruning.rewind_steps` of a level, and only the steps
            that are left are trained; unless `pruning.rewind_schedule` is false.
        other_masks: Whether it can train under the masks of another run's levels, `pruning.masks_from`.
        continues: Whether it trains the levels of the run `pruning.masks_from` on, and so needs one.
        releases: Whether the masks of that run are released, so that removed weights are trained too.
        draws: Whether it needs a network that can be drawn anew.
    """

    start: Callable[..., Mapping[str, Tensor]]
    rate: Callable[..., float | None] = scheduled
    rewinds: bool = False
    other_masks: bool = False
    continues: bool = False
    releases: bool = False
    draws: bool = False


RETRAININGS = Kind("pruning.retrain", "sdd.pruning.retraining", Retraining, given=("restart",))


def start_state(
    name: str, retraining: Retraining, restart: Restart, frozen: Mapping[str, Tensor] | None = None
) -> State:
    """Return a copy of the weights and buffers that a level starts from, removed weights at their frozen values.

    Args:
        name: What the setting `pruning.retrain` says.
        retraining: Which mode.
        restart: What the start is made from.
        frozen: Where the values of removed weights come from, by name; None: they are exactly zero.

    Returns:
        On the CPU, each entry [...] of the network's shape.

    Raises:
        UserError: The mode returns something that is no state of the network.
    """
    given = replace(  # this level and later ones need them as they are
        restart,
        trained=_copies(restart.trained),
        rewind=_copies(restart.rewind),
        initial=_copies(restart.initial),
        masks=_copies(restart.masks),
    )
    with naming(f"pruning.retrain {name}"):
        state: object = retraining.start(given)
    if not isinstance(state, Mapping):
        raise UserError(f"pruning.retrain {name} gives a {type(state).__name__}; it must be tensors by name")
    shapes = {key: tuple(value.shape) for key, value in restart.initial.items()}
    found = {key: tuple(value.shape) if isinstance(value, Tensor) else None for key, value in state.items()}
    wrong = sorted(key for key in shapes | found if shapes.get(key) != found.get(key))
    if wrong:
        raise UserError(
            f"pruning.retrain {name} gives {wrong[0]} of shape {found.get(wrong[0])}; the network has it of shape "
            f"{shapes.get(wrong[0])}"
        )
    return mask_state({key: state[key].detach().cpu() for key in restart.initial}, restart.masks, frozen)


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in tensors.items()}
