"""The four phases of sparse double descent, found in one test-accuracy curve."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

SMALLEST_MARGIN = 0.01
"""No fall or climb of a point or less counts, however quiet the curve."""

PHASES = ("light", "critical", "sweet", "collapsed")

_NO_PAIR = "no level below the dense one by more than a point is followed by a climb of half that fall"

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
    """What was found in one curve; accuracies and their differences are fractions.

    Attributes:
        double_descent: Whether test accuracy falls, and climbs again, beyond what noise explains.
        reason: Why there is none; empty where there is one.
        margin: What a fall and a climb of the running median must exceed.
        noise: Standard deviation of the noise between levels; NaN where it cannot be estimated.
        trough: Index of T; None, like all that follow, where there is no double descent.
        peak: Index of P.
        depth: A(0) − A(T).
        gain: A(P) − A(0); negative where the peak stays below the dense level.
        recovery: A(P) − A(T).
        boundaries: Between the phases.
        names: The phase of each level: the trough is the last critical level, the peak the last sweet one.
    """

    double_descent: bool
    reason: str
    margin: float
    noise: float
    trough: int | None
    peak: int | None
    depth: float | None
    gain: float | None
    recovery: float | None
    boundaries: Boundaries | None
    names: tuple[str | None, ...]


def find_phases(sparsity: ArrayLike, test_acc: ArrayLike, *, noise: float | None = None) -> Phases:
    """Find trough, peak and phases of a curve, or say why it has none.

    Trough and peak. Among all pairs of levels 0 < t < p whose depth A(0) − A(t) and recovery A(p) − A(t) both
    exceed a point, and whose recovery is at least half the depth (a bump inside a collapse is no second
    descent), the pair with the largest recovery is taken; of equals the first trough, then the first peak. It
    makes T the lowest level before P and P the highest after T: a lower level before P, or a higher one after
    T, would only loosen the conditions and enlarge the recovery. (The largest min(depth, recovery) would have
    this property too, but moves to a bump in the collapse as soon as that is wider than the trough is deep.)

    Verdict. The curve's running median over three levels must hold such a pair too, and there depth and
    recovery must exceed the margin: the larger of one point and 3.2 (1 − 4/n) σ, n levels, σ the noise
    between levels. The median keeps slopes and drops lone levels: one diverged training is no trough and one
    lucky one no peak, so fewer than five levels never show a double descent, and an unlucky dense level does
    not hide one. Of flat curves with independent Gaussian noise, 8 to 80 levels long, at most about 3 % are
    taken for a double descent. Where the noise of neighbouring levels is correlated, the estimate of σ is too
    low and it is more (about 10 % at a correlation of 0.3): let `bootstrap_phases` judge several seeds.

    Args:
        sparsity: Fraction of weights removed, [levels], rising; the first is the dense level.
        test_acc: Fractions in [0, 1], [levels]; a level with NaN counts as missing.
        noise: Standard deviation of the noise between levels where it is known better than the curve itself
            can tell, as for the mean over seeds; else `level_noise` estimates it.

    Raises:
        ValueError: The two differ in length.
    """
    sparsities, accuracies = np.asarray(sparsity, float).ravel(), np.asarray(test_acc, float).ravel()
    if sparsities.size != accuracies.size:
        raise ValueError(f"{sparsities.size} sparsities but {accuracies.size} test accuracies")
    present = np.flatnonzero(np.isfinite(sparsities) & np.isfinite(accuracies))
    curve = accuracies[present]
    sigma = level_noise(curve) if noise is None else noise
    limit = margin(curve.size, sigma)
    pair = trough_and_peak(curve[None], SMALLEST_MARGIN)
    if not present.size or present[0] > 0:
        reason = "the dense level has no test accuracy"
    else:
        reason = _why_not(running_median(curve), limit) or ("" if pair.found[0] else _NO_PAIR)
    if reason:
        nothing = (None,) * sparsities.size
        return Phases(False, reason, limit, sigma, None, None, None, None, None, None, nothing)

    trough, peak = int(pair.trough[0]), int(pair.peak[0])
    depth, recovery = float(curve[0] - curve[trough]), float(curve[peak] - curve[trough])
    tolerance = min(limit / 2, depth / 4)
    light = int(np.flatnonzero(curve[:trough] >= curve[0] - tolerance)[-1])
    ends = [int(present[index]) for index in (light, trough, peak)]
    return Phases(
        double_descent=True,
        reason="",
        margin=limit,
        noise=sigma,
        trough=ends[1],
        peak=ends[2],
        depth=depth,
        gain=float(curve[peak] - curve[0]),
        recovery=recovery,
        boundaries=Boundaries(
            light_critical=float(sparsities[ends[0]]),
            critical_sweet=float(sparsities[ends[1]]),
            sweet_collapsed=float(sparsities[ends[2]]) if peak < curve.size - 1 else None,
        ),
        names=_names(ends, sparsities.size),
    )


def level_noise(curve: ArrayLike) -> float:
    """Estimate the noise between levels from the curve itself.

    The median absolute second difference, scaled so that independent Gaussian noise gives its standard
    deviation (a second difference has six times the variance). Smooth bends enter weakly, lone jumps not at
    all.

    Args:
        curve: Accuracies without NaN, [levels].

    Returns:
        Standard deviation, as a fraction; NaN for fewer than three levels.
    """
    bends = np.abs(np.diff(np.asarray(curve, float), 2))
    return float(np.median(bends) / norm.ppf(0.75) / math.sqrt(6)) if bends.size else math.nan


def margin(levels: int, noise: float) -> float:
    """Return what a fall and a climb must exceed, as a fraction.

    The more levels, the farther the lowest strays by chance; the factor follows the 97.5 % quantile of
    the running median of simulated flat curves, whose noise is estimated by `level_noise`.

    Args:
        levels: Number of levels.
        noise: Standard deviation of the noise between levels; NaN counts as none.
    """
    if levels < 5 or not noise > 0:
        return SMALLEST_MARGIN
    return max(SMALLEST_MARGIN, 3.2 * (1 - 4 / levels) * noise)


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


def running_median(curve: Floats) -> Floats:
    """Return the median of each level and its two neighbours, [levels − 2], without the two ends."""
    if curve.size < 3:
        return curve[:0]
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(curve, 3), axis=1), np.float64)


def _why_not(smooth: Floats, limit: float) -> str:
    """Return in words why a running median shows no double descent; nothing where it does."""
    if smooth.size < 3:
        return "fewer than 5 levels have a test accuracy, too few to tell a fall and a climb from noise"
    fall = float(smooth[0] - smooth[1:].min())
    if fall <= limit:
        return (
            f"test accuracy falls at most {_points(max(0.0, fall))} below the dense network's, "
            f"within the margin of {_points(limit)}"
        )
    if trough_and_peak(smooth[None], limit).found[0]:
        return ""
    if _best_climb(smooth, limit) <= limit:
        return f"test accuracy falls by {_points(fall)} and does not climb again by more than {_points(limit)}"
    return f"test accuracy falls by {_points(fall)}, and no climb makes good half of the fall before it"


def _best_climb(curve: Floats, limit: float) -> float:
    """Return the highest climb after any level that lies more than the limit below the dense one."""
    climbs = [curve[i + 1 :].max() - curve[i] for i in range(1, curve.size - 1) if curve[0] - curve[i] > limit]
    return float(max(climbs, default=0.0))


def _points(fraction: float) -> str:
    return f"{100 * fraction:.1f} points"


def _names(ends: Sequence[int], levels: int) -> tuple[str, ...]:
    """Return each level's phase from the last index of the first three."""
    return tuple(PHASES[sum(index > end for end in ends)] for index in range(levels))
