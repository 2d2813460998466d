"""Rank correlations of two measures over ordered levels, of one seed and of several together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sdd.analysis.statistics import Correlation, Interval, spearman


@dataclass(frozen=True)
class PooledCorrelation:
    """A correlation of two measures over levels, estimated from several seeds together.

    Attributes:
        within: Mean over seeds of each seed's correlation, with its interval over seeds. It covers where the mean
            of further training seeds would lie on the same data, with the same noisy labels, on the same kind of
            processor; another processor rounds otherwise, prunes other weights, and may lie outside.
        seeds: Seeds with a correlation.
        confidence: Of the interval.
    """

    within: Interval
    seeds: int
    confidence: float


def pool(x: Sequence[ArrayLike], y: Sequence[ArrayLike], *, confidence: float = 0.95) -> PooledCorrelation:
    """Combine the correlations of several seeds.

    Pooling all levels of all seeds lets offsets between the seeds make a correlation, or hide one, and counts
    every level as often as there are seeds. So the correlation is taken within each seed, and the mean over
    seeds is the mean of Fisher's z = artanh ρ, with Student's t interval over seeds, taken back by tanh. Where ρ
    is 1, z is not finite; ρ is limited to halfway between 1 and the next lower value that n levels without ties
    allow, 1 − 12 / (n (n² − 1)).

    The interval says what other seeds would give. It does not say that two measures are related beyond their
    both following sparsity: all seeds repeat one pair of curves, and of unrelated pairs that all seeds share it
    excludes zero in up to 75 % of the cases. No p-value says it either: of the tests that respect the order of
    levels, none that we tried keeps its 5 % for pairs of flat curves of 35 levels that collapse (10 to 34 %), the
    very shape of these data (`docs/verdicts.md`).

    Args:
        x: Each seed's values, [levels] in order, NaN where a level is missing; the same levels for all seeds.
        y: Likewise.
        confidence: Of the interval, in (0, 1).
    """
    firsts, seconds = (np.atleast_2d(np.array(values, float)) for values in (x, y))
    each = [spearman(first, second) for first, second in zip(firsts, seconds, strict=True)]
    return pool_correlations(each, confidence=confidence)


def pool_correlations(each: Sequence[Correlation], *, confidence: float = 0.95) -> PooledCorrelation:
    """Combine one correlation of each seed, as `pool` says.

    Args:
        each: Of any numbers of levels; those without a value are left out.
        confidence: Of the interval, in (0, 1).
    """
    correlated = [found for found in each if math.isfinite(found.rho)]
    limits = [1 - 6 / (found.n * (found.n**2 - 1)) for found in correlated]
    scores = [math.atanh(max(-limit, min(limit, found.rho))) for found, limit in zip(correlated, limits, strict=True)]
    interval = t_interval(scores, confidence)
    within = Interval(*(math.tanh(value) for value in (interval.estimate, interval.low, interval.high)))
    return PooledCorrelation(within, len(correlated), confidence)


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
