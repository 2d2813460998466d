"""Rank correlations across levels; depth and gain of a double descent over several seeds, with intervals."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sdd.analysis.phases import SMALLEST_DEPTH, coarsest_step, trough_and_peak

Floats = NDArray[np.float64]

_DECIMALS = 12
"""To which means are compared: accuracies of few examples are often equal, whatever a processor's last bits say."""


@dataclass(frozen=True)
class Correlation:
    """A rank correlation over levels.

    It has no p-value on purpose: levels are ordered, and two curves that have nothing to do with each other but
    both bend, drift or collapse with sparsity correlate by that alone (`docs/verdicts.md` has the rates).

    Attributes:
        rho: In [−1, 1]; NaN where there is none.
        n: Pairs without NaN.
    """

    rho: float
    n: int


def spearman(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Correlate two measures by rank; pairs with NaN or infinity are dropped.

    Args:
        x: Values, [n].
        y: Values, [n].

    Returns:
        NaN for fewer than three pairs or where one side is constant.
    """
    first, second = np.asarray(x, float).ravel(), np.asarray(y, float).ravel()
    keep = np.isfinite(first) & np.isfinite(second)
    first, second = first[keep], second[keep]
    n = first.size
    if n < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Correlation(math.nan, n)
    return Correlation(float(stats.spearmanr(first, second).statistic), n)


@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence interval; NaN where the seeds do not suffice."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class SeedPhases:
    """Depth and gain of the double descent of several seeds, with confidence intervals; accuracies are fractions.

    Attributes:
        depth: A(0) − A(T).
        gain: A(P) − A(0).
        recovery: A(P) − A(T).
        double_descent: True: depth and recovery are above zero at this confidence, the depth is estimated at more
            than a point, and the recovery at no less than half the depth. False: a depth of more than a point that is
            made good, or a recovery of as much, is excluded. None: neither, so it is not decided.
        reason: Why not, or why it is not decided and what would decide it; empty for True.
        seeds: Curves used.
        confidence: Of each interval.
    """

    depth: Interval
    gain: Interval
    recovery: Interval
    double_descent: bool | None
    reason: str
    seeds: int
    confidence: float


def bootstrap_phases(
    curves: ArrayLike,
    sparsity: ArrayLike,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> SeedPhases:
    """Estimate depth and gain of the mean curve over seeds, with intervals that are wide enough for few seeds.

    Two traps. The lowest level of a noisy curve is low partly by chance, so a depth measured at the trough of
    the same curve is too large, above zero even on flat curves. Here each seed is measured at the trough and
    peak of the mean of the *other* seeds (cross-fitting), whose noise is independent of its own; the estimate
    is the mean over seeds. It errs to the safe side, by a few tenths of a point where the trough is flat. And
    the percentile bootstrap never leaves the range of the seeds, so with three it covers 75 % at best. Here
    the bootstrap gives the standard error only: seeds are resampled, copies of a seed are kept out of its own
    choice of levels, levels are chosen anew in each resample; the interval is the estimate ± Student's t with
    seeds − 1 degrees of freedom times that standard error (Hesterberg, "What Teachers Should Know About the
    Bootstrap", 2015, section 5).

    A plain t interval over the cross-fitted values covers less, 83 to 95 %: the seeds' choices are not
    independent, since each seed chooses for all others. This one covers 95 to 99 % at a nominal 95 %, for 3,
    5 and 10 seeds, noise of 1 and 2 points, a true trough and a flat curve
    (`tests/analysis/test_statistics.py`).

    Args:
        curves: Test accuracies in [0, 1], [seeds, levels]; seeds without any value are dropped, then levels
            that any seed lacks.
        sparsity: Fraction of weights removed at each level, [levels].
        resamples: Resamples of the seeds.
        confidence: Of each interval, in (0, 1).
        seed: Of the resampling; the same one gives the same intervals.

    Returns:
        NaN and no verdict for fewer than three seeds: of two, each would only ever choose for the other.

    Raises:
        ValueError: The shapes do not match or the confidence is outside (0, 1).
    """
    values, sparsities = np.atleast_2d(np.asarray(curves, float)), np.asarray(sparsity, float).ravel()
    if values.ndim != 2 or values.shape[1] != sparsities.size:
        raise ValueError(f"curves have shape {values.shape}, but there are {sparsities.size} sparsities")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it must lie between 0 and 1, both excluded")
    values = values[np.isfinite(values).any(axis=1)]
    present = np.isfinite(values).all(axis=0) & np.isfinite(sparsities)
    seeds = len(values)
    if seeds < 3 or not present[:1].all() or present.sum() < 3:
        unknown = Interval(math.nan, math.nan, math.nan)
        reason = (
            "three or more seeds would decide"
            if seeds < 3
            else "too few levels to tell: three or more, with the dense one, would decide"
        )
        return SeedPhases(unknown, unknown, unknown, None, reason, seeds, confidence)
    values = values[:, present]

    counts = np.random.default_rng(seed).multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples)
    counts = counts[(counts > 0).sum(axis=1) > 1]  # a seed needs another one to choose its levels
    estimates = _cross_fitted(values, np.ones((1, seeds)))[:, 0]
    spreads = _cross_fitted(values, counts).std(axis=1)
    widths = stats.t.ppf((1 + confidence) / 2, seeds - 1) * spreads
    depth, gain, recovery = (
        Interval(float(estimate), float(estimate - width), float(estimate + width))
        for estimate, width in zip(estimates, widths, strict=True)
    )
    verdict, reason = _verdict(depth, recovery, coarsest_step(sparsities[present]))
    return SeedPhases(depth, gain, recovery, verdict, reason, seeds, confidence)


def _verdict(depth: Interval, recovery: Interval, step: tuple[float, float] | None) -> tuple[bool | None, str]:
    """Return yes, no or not decided, and why.

    Args:
        depth: Of the mean curve.
        recovery: Likewise.
        step: Ends of a step between levels in which a trough may hide, as `coarsest_step` finds it.
    """
    certain = min(depth.low, recovery.low) > 0
    if certain and depth.estimate > SMALLEST_DEPTH and 2 * recovery.estimate >= depth.estimate:
        return True, ""
    if min(depth.high, recovery.high) <= SMALLEST_DEPTH:
        if step is None:
            return False, "a depth of more than a point that is made good is excluded"
        return None, (
            f"too few levels to tell: none lies between {100 * step[0]:.4g}% and {100 * step[1]:.4g}% sparsity, more "
            "levels would decide"
        )
    return None, "depth, recovery or both may be zero, and a depth of more than a point too: more seeds would decide"


def _cross_fitted(values: Floats, counts: ArrayLike) -> Floats:
    """Return mean depth, gain and recovery for each resample, [3, resamples].

    Args:
        values: Accuracies, [seeds, levels].
        counts: How often each resample holds each seed, [resamples, seeds]; at least two seeds in each.
    """
    weights = np.asarray(counts, float)
    seeds, levels = values.shape
    each = np.arange(seeds)
    means = np.empty((3, len(weights)))
    for start in range(0, len(weights), 500):  # bounds the memory
        part = weights[start : start + 500]
        others = (part @ values)[:, None] - part[:, :, None] * values
        others = np.round(others / (seeds - part)[:, :, None], _DECIMALS)
        pairs = trough_and_peak(others.reshape(-1, levels), 0.0)
        trough = values[each, pairs.trough.reshape(-1, seeds)]
        peak = values[each, pairs.peak.reshape(-1, seeds)]
        for index, difference in enumerate((values[:, 0] - trough, peak - values[:, 0], peak - trough)):
            means[index, start : start + 500] = (part * difference).sum(axis=1) / seeds
    return means
