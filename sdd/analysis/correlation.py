"""Rank correlations of two measures over ordered levels, of one seed and of several together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sdd.analysis.statistics import Interval, spearman

Floats = NDArray[np.float64]

_FEWEST_EFFECTIVE = 2.5


@dataclass(frozen=True)
class OrderedCorrelation:
    """Spearman's correlation of two measures over the levels of one run.

    Attributes:
        rho: In [−1, 1]; NaN where there is none.
        p_naive: Two-sided, as if levels were independent; neighbouring levels are alike, so it flatters.
        p_ordered: Two-sided, for the chance that two *unrelated* curves as smooth as these correlate so.
        n: Levels that have both measures.
        n_effective: Number of independent levels that these are worth, between 2.5 and n.
    """

    rho: float
    p_naive: float
    p_ordered: float
    n: int
    n_effective: float


@dataclass(frozen=True)
class PooledCorrelation:
    """A correlation of two measures over levels, estimated from several seeds together.

    Attributes:
        within: Mean over seeds of each seed's correlation, with its interval over seeds: where the correlation
            of further seeds of the same experiment would lie on average.
        p_ordered: Of `within.estimate`, for unrelated curves; the seeds add no levels.
        n_effective: Number of independent levels that the seeds' common curves are worth.
        seeds: Seeds with a correlation.
        plain: Spearman's correlation over all levels of all seeds at once.
        p_plain: Its p-value as if all were independent. It flatters.
        n_plain: Pairs in it.
        confidence: Of the interval.
    """

    within: Interval
    p_ordered: float
    n_effective: float
    seeds: int
    plain: float
    p_plain: float
    n_plain: int
    confidence: float


def ordered_spearman(x: ArrayLike, y: ArrayLike) -> OrderedCorrelation:
    """Correlate two measures by rank, with a p-value that respects the order of the levels.

    Two smooth curves that have nothing to do with each other still correlate: over 35 levels the naive test
    at 5 % takes 41 % of unrelated first-order autoregressive curves with a coefficient of 0.9 for related ones,
    and 51 % of Gaussian ones that bend over five levels. `p_ordered` is of the t test with the effective number
    of levels n / (1 + 2 Σ r_x(k) r_y(k)), r the autocorrelations of the ranks at lags 1 to n/2 (Bartlett 1935;
    Pyper and Peterman 1998, eq. 1), and never below the naive one. Of unrelated curves it takes, at a nominal
    5 %, 3 to 6 % for autoregressive ones of 15 and 35 levels with coefficients 0 to 0.95 (random walks 7 %), and
    2 to 5 % for Gaussian ones of 35 levels that bend over one to eight (`tests/analysis/test_compare.py`). Over
    15 levels that bend over five or more, too few to tell how smooth they are, 9 to 16 %. A circular shift was
    tried too: it takes up to 10 % of the autoregressive curves, 15 % of the random walks, and cannot reach
    p < 1/n.

    Args:
        x: Values, [levels], in the order of the levels; pairs with NaN or infinity are dropped.
        y: Values, [levels].
    """
    first, second = np.asarray(x, float).ravel(), np.asarray(y, float).ravel()
    found = spearman(first, second)
    if math.isnan(found.rho):
        return OrderedCorrelation(math.nan, math.nan, math.nan, found.n, math.nan)
    keep = np.isfinite(first) & np.isfinite(second)
    effective = effective_levels(stats.rankdata(first[keep]), stats.rankdata(second[keep]))
    p_ordered = max(found.p_value, _p_value(found.rho, effective))
    return OrderedCorrelation(found.rho, found.p_value, p_ordered, found.n, effective)


def pool(x: Sequence[ArrayLike], y: Sequence[ArrayLike], *, confidence: float = 0.95) -> PooledCorrelation:
    """Combine the correlations of several seeds.

    Pooling all levels of all seeds lets offsets between the seeds make a correlation, or hide one, and counts
    every level as often as there are seeds. So the correlation is taken within each seed, and the mean over
    seeds is the mean of Fisher's z = artanh ρ, with Student's t interval over seeds, taken back by tanh. That
    interval says what other seeds would give; it does not say that two curves are related: all seeds repeat
    one pair of curves, and of unrelated pairs that all seeds share it excludes zero in up to 75 % of the
    cases. For that there is `p_ordered`: the mean correlation against the effective number of levels of the
    ranks averaged over seeds, as if there were one seed; at a nominal 5 % it takes at most 4 % of unrelated
    curves that five seeds share. Where ρ is 1, z is not finite; ρ is limited to halfway between
    1 and the next lower value that n levels without ties allow, 1 − 12 / (n (n² − 1)).

    Args:
        x: Each seed's values, [levels] in order, NaN where a level is missing; the same levels for all seeds.
        y: Likewise.
        confidence: Of the interval, in (0, 1).
    """
    firsts, seconds = (np.atleast_2d(np.array(values, float)) for values in (x, y))
    both = np.isfinite(firsts) & np.isfinite(seconds)
    each = [spearman(first, second) for first, second in zip(firsts, seconds, strict=True)]
    valid = np.array([math.isfinite(found.rho) for found in each], bool)
    plain = spearman(firsts[both], seconds[both])
    correlated = [found for found in each if math.isfinite(found.rho)]
    limits = [1 - 6 / (found.n * (found.n**2 - 1)) for found in correlated]
    scores = [math.atanh(max(-limit, min(limit, found.rho))) for found, limit in zip(correlated, limits, strict=True)]
    interval = t_interval(scores, confidence)
    within = Interval(*(math.tanh(value) for value in (interval.estimate, interval.low, interval.high)))
    effective, p_ordered = math.nan, math.nan
    if correlated:
        ranks = [_mean_ranks(values[valid], both[valid]) for values in (firsts, seconds)]
        effective = effective_levels(*(values[both[valid].any(axis=0)] for values in ranks))
        p_ordered = max(_p_value(within.estimate, effective), min(found.p_value for found in correlated))
    return PooledCorrelation(
        within, p_ordered, effective, int(valid.sum()), plain.rho, plain.p_value, plain.n, confidence
    )


def effective_levels(x: Floats, y: Floats) -> float:
    """Return the number of independent levels that two curves are worth, for their correlation.

    Args:
        x: Ranks or values without NaN, [levels].
        y: Likewise.

    Returns:
        Between 2.5 and the number of levels; that number for a constant curve.
    """
    n = x.size
    first, second = _autocorrelations(x), _autocorrelations(y)
    together = float((first * second).sum())
    return float(np.clip(n / max(1.0, 1 + 2 * together), min(_FEWEST_EFFECTIVE, n), n))


def t_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Return the mean with Student's t interval; no interval for fewer than two values.

    Args:
        values: Independent, without NaN, [n].
        confidence: In (0, 1).
    """
    numbers = np.asarray(values, float).ravel()
    if not numbers.size:
        return Interval(math.nan, math.nan, math.nan)
    mean = float(numbers.mean())
    if numbers.size < 2:
        return Interval(mean, math.nan, math.nan)
    width = float(stats.t.ppf((1 + confidence) / 2, numbers.size - 1) * numbers.std(ddof=1) / math.sqrt(numbers.size))
    return Interval(mean, mean - width, mean + width)


def _mean_ranks(values: Floats, both: NDArray[np.bool_]) -> Floats:
    """Return the mean over seeds of ranks within each seed, as fractions, [levels]; NaN where no seed has both."""
    ranks = np.full(values.shape, math.nan)
    for row, (seed, keep) in enumerate(zip(values, both, strict=True)):
        ranks[row, keep] = stats.rankdata(seed[keep]) / keep.sum()
    mean = np.full(values.shape[1], math.nan)
    some = both.any(axis=0)
    mean[some] = np.nanmean(ranks[:, some], axis=0)
    return mean


def _autocorrelations(curve: Floats) -> Floats:
    """Return a curve's autocorrelations at lags 1 to half its length, [n // 2 − 1]; zeros for a constant one."""
    centred = curve - curve.mean()
    lags = range(1, curve.size // 2)
    square = float(centred @ centred)
    if square == 0:
        return np.zeros(len(lags))
    return np.array([float(centred[lag:] @ centred[:-lag]) / square for lag in lags])


def _p_value(rho: float, effective: float) -> float:
    """Return the two-sided p-value of a correlation over a number of independent levels."""
    freedom = effective - 2
    t = abs(rho) * math.sqrt(freedom / max(1 - rho**2, 1e-300))
    return float(2 * stats.t.sf(t, freedom))
