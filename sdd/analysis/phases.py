"""The four phases of sparse double descent, found in one test-accuracy curve, with a verdict of three values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from sdd.analysis.accuracy_noise import examples_of, noise_of
from sdd.analysis.curve import column
from sdd.analysis.verdict_text import facts, why
from sdd.messages import counted

SMALLEST_DEPTH = 0.01
"""No fall or climb of a point or less counts, however quiet the curve."""

PHASES = ("light", "critical", "sweet", "collapsed")

FEWEST_LEVELS = 5
_LONE = 0.7  # of a fall and a climb, which must remain without the trough or the peak
_WIDTHS = (1, 2, 3, 4, 6)
_WIDEST_STEP = 0.75
_DIP = 0.67  # in ln(remaining weights): a third of the width of the troughs that we have measured

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Boundaries:
    """Where one phase ends and the next begins, as sparsities in [0, 1].

    Attributes:
        light_critical: Last level before the trough that is still about as good as the dense one.
        critical_sweet: The trough.
        sweet_collapsed: The peak; None where the curve ends with it.
    """

    light_critical: float
    critical_sweet: float
    sweet_collapsed: float | None


@dataclass(frozen=True)
class Phases:
    """What was found in one curve; accuracies and their differences are fractions, and those of the curve itself.

    Attributes:
        double_descent: True: test accuracy falls, and climbs again, beyond what noise explains, at 95 %. False: a
            depth of more than a point that is made good is excluded at 95 %. None: neither, so it is not decided.
        reason: Why there is none, or why it is not decided and what would decide it; empty for True. Its numbers
            are those of the curve.
        noise: Standard deviation of a level's noise that was reckoned with (the largest of several levels'); NaN
            for too few levels.
        depth_high: Largest depth that noise leaves possible at 95 %; NaN for too few levels.
        trough: Index of T; like peak, depth, gain and recovery None where the curve itself holds no pair of a
            fall and a climb of more than a point, or the verdict is False.
        peak: Index of P.
        depth: A(0) − A(T).
        gain: A(P) − A(0); negative where the peak stays below the dense level.
        recovery: A(P) − A(T).
        boundaries: Between the phases; None unless the verdict is True.
        names: The phase of each level: the trough is the last critical level, the peak the last sweet one; None
            unless the verdict is True.
    """

    double_descent: bool | None
    reason: str
    noise: float
    depth_high: float
    trough: int | None
    peak: int | None
    depth: float | None
    gain: float | None
    recovery: float | None
    boundaries: Boundaries | None
    names: tuple[str | None, ...]


def find_phases(
    sparsity: ArrayLike, test_acc: ArrayLike, *, examples: int | None = None, noise: ArrayLike | None = None
) -> Phases:
    """Find trough, peak and phases of a curve, or say that it has none, or that it does not tell.

    Trough and peak. Among all pairs of levels 0 < t < p whose depth A(0) − A(t) and recovery A(p) − A(t) both
    exceed a point, and whose recovery is at least half the depth (a bump inside a collapse is no second
    descent), the pair with the largest recovery is taken; of equals the first trough, then the first peak. It
    makes T the lowest level before P and P the highest after T: a lower level before P, or a higher one after
    T, would only loosen the conditions and enlarge the recovery. (The largest min(depth, recovery) would have
    this property too, but moves to a bump in the collapse as soon as that is wider than the trough is deep.)

    Yes. Means over one to six neighbouring levels are compared with the dense level, which counts with its own
    value alone, and with means over later levels. Some pair must hold a fall of more than
    1.7 + 0.28 ln n standard errors and a climb of more than 1.15 + 0.74 ln n, n levels: a twentieth less than the
    95 % quantiles of the largest fall, and of the largest climb, in simulated noise, which seldom holds both. Seven
    tenths of that must remain when the trough, or the peak, is left out: one failed or lucky training is no double
    descent.

    No. Means over as many levels as a dip spans on this grid (0.67 in the logarithm of the remaining weights,
    one to three levels) leave no depth of more than a point possible, at 97.5 % for each of depth and recovery.
    Where a step removes more than three quarters of what remains, a trough may lie between two levels, and it is
    never said.

    The noise of a level is told from the curve itself by `level_noise`, times 1 + 3/n, since that estimate is too
    low by chance for one curve in two. Curves of fewer than 20 levels cannot tell it from their bends: there it
    is at most the binomial error of the test set and a point of training noise together, and below 12 levels at
    least the binomial error. `docs/verdicts.md` has the error rates.

    Args:
        sparsity: Fraction of weights removed, [levels], rising; the first is the dense level.
        test_acc: Fractions in [0, 1], [levels]; a level with NaN counts as missing.
        examples: Size of the test set; else `examples_of` tells it from the accuracies.
        noise: Standard deviation of each level's noise, one number or [levels], where repeated runs tell it, as
            for the mean over seeds; then lone levels count too.

    Raises:
        ValueError: The two differ in length.
    """
    sparsities, accuracies = np.asarray(sparsity, float).ravel(), np.asarray(test_acc, float).ravel()
    if sparsities.size != accuracies.size:
        raise ValueError(f"{sparsities.size} sparsities but {accuracies.size} test accuracies")
    present = np.flatnonzero(np.isfinite(sparsities) & np.isfinite(accuracies))
    curve, kept = accuracies[present], sparsities[present]
    nothing: tuple[str | None, ...] = (None,) * sparsities.size
    if not present.size or present[0] > 0:
        reason = "the dense level has no test accuracy"
        return Phases(None, reason, math.nan, math.nan, None, None, None, None, None, None, nothing)

    pairs = trough_and_peak(curve[None], SMALLEST_DEPTH)
    trough, peak, found = int(pairs.trough[0]), int(pairs.peak[0]), bool(pairs.found[0])
    if curve.size < FEWEST_LEVELS:
        spread = np.full(curve.size, math.nan)
        highest, verdict = math.nan, None
        reason = (
            f"{counted(curve.size, 'level')}, too few levels to tell a fall and a climb from noise: more levels would "
            "decide"
        )
    else:
        if noise is None:
            spread = np.full(curve.size, noise_of(curve, examples_of(curve) if examples is None else examples))
        else:
            spread = np.broadcast_to(np.asarray(noise, float), accuracies.shape)[present]
        highest = largest_depth(curve, spread, dip_width(kept))
        beyond = found and _beyond_noise(curve, spread)
        lone = (
            beyond
            and noise is None
            and not all(
                _beyond_noise(np.delete(curve, level), np.delete(spread, level), _LONE) for level in (trough, peak)
            )
        )
        step = coarsest_step(kept)
        verdict = True if beyond and not lone else None if beyond or step or highest > SMALLEST_DEPTH else False
        reason = (
            ""
            if verdict
            else facts(curve, kept)
            + why(curve, spread, verdict, highest, lone=lone, step=step, examples=examples, several=noise is not None)
        )

    shown = found and verdict is not False
    depth, recovery = float(curve[0] - curve[trough]), float(curve[peak] - curve[trough])
    boundaries, names = None, nothing
    if verdict:
        tolerance = min(float(spread.max()), depth / 4)
        light = int(np.flatnonzero(curve[:trough] >= curve[0] - tolerance)[-1])
        boundaries = Boundaries(
            light_critical=float(kept[light]),
            critical_sweet=float(kept[trough]),
            sweet_collapsed=float(kept[peak]) if peak < curve.size - 1 else None,
        )
        names = _names([int(present[index]) for index in (light, trough, peak)], sparsities.size)
    return Phases(
        double_descent=verdict,
        reason=reason,
        noise=float(spread.max()),
        depth_high=highest,
        trough=int(present[trough]) if shown else None,
        peak=int(present[peak]) if shown else None,
        depth=depth if shown else None,
        gain=float(curve[peak] - curve[0]) if shown else None,
        recovery=recovery if shown else None,
        boundaries=boundaries,
        names=names,
    )


def phases_of(rows: Sequence[Mapping[str, float | int]]) -> Phases:
    """Find the phases of a run's test accuracy."""
    return find_phases(column(rows, "sparsity"), column(rows, "test_acc"))


def marking_levels(trough: int | None, peak: int | None, levels: int) -> dict[str, int]:
    """Return the indices of the levels that mark the phases of a curve: `dense`, `trough`, `peak` and `last`.

    Args:
        trough: Of the curve; None where it has none, and then no peak either.
        peak: Likewise.
        levels: How many it has, the dense one included.
    """
    found = {"dense": 0, "trough": trough, "peak": peak, "last": levels - 1}
    return {name: index for name, index in found.items() if index is not None}


def dip_width(sparsity: Floats) -> int:
    """Return how many levels of a grid a narrow trough spans, from 1 to 3."""
    remaining = 1 - sparsity[sparsity < 1]
    steps = -np.diff(np.log(remaining))
    step = float(np.median(steps)) if steps.size else math.inf
    return int(np.clip(round(_DIP / step), 1, 3)) if step > 0 else 3


def coarsest_step(sparsity: Floats) -> tuple[float, float] | None:
    """Return the ends of the first step that removes so much that a trough may lie in it; None without such a step."""
    remaining = 1 - sparsity[sparsity < 1]
    wide = np.flatnonzero(remaining[1:] < (1 - _WIDEST_STEP) * remaining[:-1] * (1 - 1e-9))
    return (float(sparsity[wide[0]]), float(sparsity[wide[0] + 1])) if wide.size else None


def largest_depth(curve: Floats, noise: Floats, width: int) -> float:
    """Return the largest depth that noise leaves possible, at 97.5 % for each of depth and recovery.

    Args:
        curve: Accuracies without NaN, [levels].
        noise: Standard deviation of each level's noise, [levels].
        width: Levels that a dip spans at least; a trough or a peak is a mean over so many.
    """
    width = max(1, min(width, (curve.size - 1) // 2))
    start = np.arange(1, curve.size - width + 1)
    mean, error = _window_means(curve, noise, start, start + width)
    z = float(norm.ppf(0.975))
    depth = curve[0] - mean + z * np.sqrt(noise[0] ** 2 + error**2)
    climb = mean[None, :] - mean[:, None]
    recovery = climb + z * np.hypot(error[None, :], error[:, None])
    # Twice the recovery less the depth, which must not be negative, is 2 A(p) − A(t) − A(0).
    rest = 2 * climb - (curve[0] - mean)[:, None]
    rest += z * np.sqrt(4 * error[None, :] ** 2 + error[:, None] ** 2 + noise[0] ** 2)
    later = start[None, :] >= start[:, None] + width
    made_good = np.where(later & (rest >= 0), recovery, -math.inf).max(axis=1)
    return max(0.0, float(np.minimum(depth, made_good).max()))


@dataclass(frozen=True)
class Pairs:
    """Trough and peak of each of several curves.

    Attributes:
        trough: Indices, [curves].
        peak: Indices, [curves].
        found: False where no pair of that curve meets the conditions, [curves].
    """

    trough: NDArray[np.intp]
    peak: NDArray[np.intp]
    found: NDArray[np.bool_]


def trough_and_peak(curves: Floats, limit: float) -> Pairs:
    """Find the pair of levels with the largest recovery in each of several curves.

    `find_phases` says the conditions. Where no pair meets them, the indices are those of the pair with the
    largest min(depth, recovery).

    Args:
        curves: Accuracies without NaN, [curves, levels].
        limit: What depth and recovery must exceed, as a fraction.
    """
    count, levels = curves.shape
    if levels < 3:
        nothing = np.zeros(count, np.intp)
        return Pairs(nothing, nothing, np.zeros(count, bool))
    highest_after = np.maximum.accumulate(curves[:, :1:-1], axis=1)[:, ::-1]
    depth, recovery = curves[:, :1] - curves[:, 1:-1], highest_after - curves[:, 1:-1]
    meets: NDArray[np.bool_] = (depth > limit) & (recovery > limit) & (2 * recovery >= depth)
    found = np.any(meets, axis=1)
    score = np.where(found[:, None], np.where(meets, recovery, -np.inf), np.minimum(depth, recovery))
    trough = 1 + score.argmax(axis=1)
    after = np.where(np.arange(levels) > trough[:, None], curves, -np.inf)
    return Pairs(trough, after.argmax(axis=1), found)


def _beyond_noise(curve: Floats, noise: Floats, strictness: float = 1.0) -> bool:
    """Say whether some windows of levels fall and climb beyond noise; `find_phases` says how far that is.

    Args:
        curve: Accuracies without NaN, [levels].
        noise: Standard deviation of each level's noise, [levels].
        strictness: Factor of both limits.
    """
    n = curve.size
    spans = [(start, start + width) for width in _WIDTHS for start in range(1, n - width + 1)]
    start, end = np.array(spans).T
    mean, error = _window_means(curve, noise, start, end)
    depth = curve[0] - mean
    least = strictness * (1.7 + 0.28 * math.log(n)) * np.sqrt(noise[0] ** 2 + error**2)
    falls = depth > np.maximum(least, SMALLEST_DEPTH)
    low, low_error, low_end = mean[falls, None], error[falls, None], end[falls, None]
    climb = mean[None] - low
    climbs = climb > strictness * (1.15 + 0.74 * math.log(n)) * np.hypot(error[None], low_error)
    made_good = (2 * climb >= depth[falls, None]) & (climb > SMALLEST_DEPTH)
    return bool(np.any(climbs & made_good & (start[None] >= low_end)))


def _window_means(
    curve: Floats, noise: Floats, start: NDArray[np.intp], end: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Return the means over levels from each start to before each end, and their standard errors, like start."""
    sums, squares = (np.concatenate([[0.0], np.cumsum(values)]) for values in (curve, noise**2))
    return (sums[end] - sums[start]) / (end - start), np.sqrt(np.maximum(0, squares[end] - squares[start])) / (
        end - start
    )


def _names(ends: Sequence[int], levels: int) -> tuple[str, ...]:
    """Return each level's phase from the last index of the first three."""
    return tuple(PHASES[sum(index > end for end in ends)] for index in range(levels))
