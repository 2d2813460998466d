"""Noise of a curve of accuracies: what the test set leaves to each, and what the curve itself shows."""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

SHORT = 12
"""Levels, below which the noise that a curve shows may by chance be far too small."""

_BENT = 20  # levels, below which its bends may be taken for noise
_TRAINING_NOISE = 0.01
_MOST_EXAMPLES = 10_000_000

Floats = NDArray[np.float64]


def examples_of(test_acc: ArrayLike) -> int | None:
    """Tell the size of a test set from its accuracies, which are multiples of one over that size.

    Returns:
        The smallest size that has all of them: the true one, or rarely a part of it, which makes its error
        look larger; None where there is none below ten millions, as for means over runs of different sizes.
    """
    values = np.asarray(test_acc, float).ravel()
    size = 1
    for value in values[np.isfinite(values)]:
        size = math.lcm(size, Fraction(float(value)).limit_denominator(1_000_000).denominator)
        if size > _MOST_EXAMPLES:
            return None
    return size if size > 1 else None


def binomial_error(test_acc: ArrayLike, examples: int) -> Floats:
    """Return the standard error √(p (1 − p) / n) that a test set of n examples leaves to an accuracy p, like it."""
    p = np.asarray(test_acc, float)
    return np.asarray(np.sqrt(np.clip(p * (1 - p), 0, None) / examples), np.float64)


def level_noise(curve: ArrayLike) -> float:
    """Estimate the noise between levels from the curve itself.

    The median absolute second difference, or third if that is smaller, each scaled so that independent Gaussian
    noise gives its standard deviation (their variances are 6 and 20 times that of the noise). Bends enter
    weakly, lone jumps not at all.

    Args:
        curve: Accuracies without NaN, [levels].

    Returns:
        Standard deviation, as a fraction; NaN for fewer than four levels.
    """
    values = np.asarray(curve, float).ravel()
    if values.size < 4:
        return math.nan
    spreads = [np.median(np.abs(np.diff(values, order))) / math.sqrt(math.comb(2 * order, order)) for order in (2, 3)]
    return float(min(spreads) / norm.ppf(0.75))


def noise_of(curve: Floats, examples: int | None) -> float:
    """Return the noise of a level that a verdict on one curve reckons with; `find_phases` says how.

    Args:
        curve: Accuracies without NaN, [levels].
        examples: Size of the test set; None: unknown.
    """
    own = (1 + 3 / curve.size) * level_noise(curve)
    if curve.size >= _BENT or examples is None:
        return own
    test_set = float(binomial_error(curve, examples).max())
    return min(max(own, test_set if curve.size < SHORT else 0.0), math.hypot(test_set, _TRAINING_NOISE))
