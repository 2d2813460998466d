"""What is wrong in the numbers of a run's levels: exploded losses, dead layers, levels that learn nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

EXPLODED = 100.0
"""Times the loss of small outputs, beyond which a level's loss has exploded; healthy epochs stay below 3."""

SAME_LEVELS = 5
"""Levels in a row with exactly the same test accuracy that are no coincidence."""

_DEVIATIONS = 2.0  # of the accuracy of guessing, within which a level is no better than that
_NAMED_AT_MOST = 6


@dataclass(frozen=True)
class Yardstick:
    """What the numbers of a run's levels are compared with.

    Attributes:
        small_loss: The loss of outputs of size 1 at most, as `sdd.measures.small_loss` gives it; NaN: not known.
        guessed: Training accuracy of always guessing the most frequent of the noisy labels, in [0, 1].
        examples: Of the training part.
        against_collapse: What to set where a layer has lost all its weights.
    """

    small_loss: float
    guessed: float
    examples: int
    against_collapse: str

    @property
    def largest_loss(self) -> float:
        """The loss beyond which a training has exploded."""
        return EXPLODED * self.small_loss

    @property
    def best_guess(self) -> float:
        """The training accuracy up to which a network is no better than guessing."""
        return self.guessed + _DEVIATIONS * math.sqrt(self.guessed * (1 - self.guessed) / self.examples)


@dataclass(frozen=True)
class LevelNumbers:
    """The numbers of one level that can go wrong; those that are not measured, or not yet, are NaN.

    Attributes:
        level: Its number.
        remaining: Prunable weights that survive.
        layers: Tensors that they belong to.
        dead: Names of those that keep no weight.
        rate: What sets the learning rate that the level trains with, in words.
        exploded_epoch: First epoch, counted from 0 within the level, whose mean loss was beyond `largest_loss`; None:
            there was none.
        exploded_step: First step of it, counted from 1 over the run, whose loss was; None where that is not known.
        exploded_loss: The mean loss of that epoch.
        train_loss: At its end.
        train_acc: At its end, in [0, 1].
        test_acc: At its end, in [0, 1].
        moved: The ℓ2 distance of its weights from what it started from.
    """

    level: int
    remaining: int
    layers: int
    dead: Sequence[str] = ()
    rate: str = "--model.optimizer.lr"
    exploded_epoch: int | None = None
    exploded_step: int | None = None
    exploded_loss: float = math.nan
    train_loss: float = math.nan
    train_acc: float = math.nan
    test_acc: float = math.nan
    moved: float = math.nan


@dataclass(frozen=True)
class LevelWarning:
    """Something that went wrong.

    Attributes:
        kind: `exploded`, `dead`, `unmoved`, `unlearnt` or `unchanged`.
        level: The first level that it concerns.
        text: One line: levels, values, and the setting to change.
    """

    kind: str
    level: int
    text: str


def level_warnings(levels: Sequence[LevelNumbers], yardstick: Yardstick) -> list[LevelWarning]:
    """Return what went wrong, in the order of the levels; levels in a row that share it are one warning.

    Levels of the collapsed end of a curve, which learn little or nothing since too few weights are left, are as they
    should be: a level that learns nothing is named where a later one learns half as much as the best, or where none has
    learnt yet.

    Args:
        levels: In their order; the last one may be in work.
        yardstick: What they are compared with.
    """
    found = [
        *_exploded(levels, yardstick),
        *_dead(levels, yardstick),
        *_unmoved(levels),
        *_unlearnt(levels, yardstick),
        *_unchanged(levels, yardstick),
    ]
    return sorted(found, key=lambda one: one.level)


def _exploded(levels: Sequence[LevelNumbers], yardstick: Yardstick) -> list[LevelWarning]:
    found = []
    for stretch in _stretches(levels, [_has_exploded(one, yardstick) for one in levels]):
        first = stretch[0]
        if first.exploded_epoch is None:
            what = f"the loss at the end of level {first.level} is {_short(first.train_loss)}"
        else:
            step = "" if first.exploded_step is None else f", from step {first.exploded_step} on"
            what = (
                f"the mean loss of epoch {first.exploded_epoch} of level {first.level}{step}, is "
                f"{_short(first.exploded_loss)}"
            )
        text = (
            f"{_levels(stretch)}: training exploded: {what}, more than {EXPLODED:g} times that of outputs no larger "
            f"than 1 ({_short(yardstick.small_loss)}): lower {first.rate} or clip gradients "
            "(--trainer.gradient_clip_val)"
        )
        found.append(LevelWarning("exploded", first.level, text))
    return found


def _dead(levels: Sequence[LevelNumbers], yardstick: Yardstick) -> list[LevelWarning]:
    """Name the layers that have lost their last weight, at the level where they have."""
    found: list[LevelWarning] = []
    before: Sequence[str] = ()
    for one in levels:
        new = [name for name in one.dead if name not in before]
        before = one.dead
        if not new:
            continue
        names = ", ".join(new[:_NAMED_AT_MOST]) + (
            f" and {len(new) - _NAMED_AT_MOST} more" if len(new) > _NAMED_AT_MOST else ""
        )
        left = f"level {one.level}: no weight of {names} remains"
        if one.remaining < one.layers:
            text = f"{left}: there are {one.remaining:,} weights for {one.layers} layers; prune less"
        else:
            text = f"{left}, though {one.remaining:,} do in other layers: {yardstick.against_collapse}"
        found.append(LevelWarning("dead", one.level, text))
    return found


def _unmoved(levels: Sequence[LevelNumbers]) -> list[LevelWarning]:
    return [
        LevelWarning(
            "unmoved",
            stretch[0].level,
            f"{_levels(stretch)}: training has moved no weight (distance_start 0): raise {stretch[0].rate}",
        )
        for stretch in _stretches(levels, [one.moved == 0 for one in levels])
    ]


def _unlearnt(levels: Sequence[LevelNumbers], yardstick: Yardstick) -> list[LevelWarning]:
    working = [one.level for one in _working(levels, yardstick)]
    named = [
        one.train_acc <= yardstick.best_guess
        and not (_has_exploded(one, yardstick) or one.dead or one.moved == 0)
        and (one.level < working[-1] if working else levels[0].level == 0)
        for one in levels
    ]
    found = []
    for stretch in _stretches(levels, named):
        later = next((level for level in working if level > stretch[-1].level), None)
        text = (
            f"{_levels(stretch)}: nothing is learnt{'' if later is None else f', though it is at level {later}'}: "
            f"training accuracy {_percent(max(one.train_acc for one in stretch))} is no better than guessing the most "
            f"frequent label ({_percent(yardstick.guessed)} of {yardstick.examples:,}, within what chance gives): "
            f"change {stretch[0].rate} or raise --pruning.epochs_per_level"
        )
        found.append(LevelWarning("unlearnt", stretch[0].level, text))
    return found


def _unchanged(levels: Sequence[LevelNumbers], yardstick: Yardstick) -> list[LevelWarning]:
    """Name levels that differ in nothing that the test set shows, although their networks work."""
    working = [one.level for one in _working(levels, yardstick) if one.test_acc < 1]
    found = []
    for accuracy, stretch in groupby(levels, key=lambda one: one.test_acc if one.level in working else None):
        same = list(stretch)
        if accuracy is None or len(same) < SAME_LEVELS:
            continue
        text = (
            f"{_levels(same)}: test accuracy is exactly {_percent(same[0].test_acc)} at all of them: either their "
            f"networks hardly differ (test_loss says so): raise {same[-1].rate} or --pruning.epochs_per_level; or the "
            "test set is too small to tell them apart"
        )
        found.append(LevelWarning("unchanged", same[0].level, text))
    return found


def _working(levels: Sequence[LevelNumbers], yardstick: Yardstick) -> list[LevelNumbers]:
    """Return the levels that have learnt, at least half as much beyond guessing as the best level before them."""
    working, best = list[LevelNumbers](), 0.0
    for one in levels:
        learnt = one.train_acc - yardstick.guessed
        if one.train_acc > yardstick.best_guess and 2 * learnt >= best and one.moved != 0:
            working.append(one)
            best = max(best, learnt)
    return working


def _has_exploded(one: LevelNumbers, yardstick: Yardstick) -> bool:
    return one.exploded_epoch is not None or one.train_loss > yardstick.largest_loss


def _stretches(levels: Sequence[LevelNumbers], named: Sequence[bool]) -> list[list[LevelNumbers]]:
    """Return the levels that are named, those in a row together."""
    pairs = groupby(zip(levels, named, strict=True), key=lambda pair: pair[1])
    return [[one for one, _ in stretch] for name, stretch in pairs if name]


def _levels(stretch: Sequence[LevelNumbers]) -> str:
    first, last = stretch[0].level, stretch[-1].level
    return f"level {first}" if first == last else f"levels {first} to {last}"


def _short(loss: float) -> str:
    return f"{loss:.3g}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f} %"
