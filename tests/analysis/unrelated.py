"""Pairs of curves that have nothing to do with each other, and tests of correlation that take them for related.

What decided that no p-value of a correlation over levels is printed. The tests that respect the order of levels:

- effective levels: Student's t with n / (1 + 2 Σ r_x(k) r_y(k)) levels, r the autocorrelations of the ranks at lags
  up to n/2 (Bartlett 1935; Pyper and Peterman 1998, eq. 1).
- differences: the same test of the differences of neighbouring levels.
- detrended: the same test of the ranks without their straight line over levels, one level fewer.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


def _bending(width: float, levels: int, rng: np.random.Generator) -> Floats:
    gap = np.subtract.outer(np.arange(levels), np.arange(levels))
    root = np.linalg.cholesky(np.exp(-0.5 * (gap / width) ** 2) + 1e-9 * np.eye(levels))
    curves: Floats = rng.normal(size=(2, levels)) @ root.T + 0.1 * rng.normal(size=(2, levels))
    return curves


def _autoregressive(levels: int, rng: np.random.Generator) -> Floats:
    curves = rng.normal(size=(2, levels))
    for level in range(1, levels):
        curves[:, level] = 0.9 * curves[:, level - 1] + math.sqrt(1 - 0.81) * curves[:, level]
    return curves


def _trend(levels: int, rng: np.random.Generator) -> Floats:
    slopes = rng.choice([-1, 1], 2) * rng.uniform(0.5, 3, 2)
    return np.outer(slopes, np.linspace(0, 1, levels)) + rng.normal(size=(2, levels))


def _collapse(levels: int, rng: np.random.Generator) -> Floats:
    starts = rng.uniform(0.5, 0.9, (2, 1)) * (levels - 1)
    slopes = rng.choice([-1, 1], (2, 1)) * rng.uniform(0.5, 2, (2, 1))
    fall: Floats = slopes * np.clip(np.arange(levels) - starts, 0, None) + 0.3 * rng.normal(size=(2, levels))
    return fall


SHAPES: dict[str, Callable[[int, np.random.Generator], Floats]] = {
    "autoregressive, 0.9": _autoregressive,
    "bends over 8 levels": lambda levels, rng: _bending(8, levels, rng),
    "bends over 15 levels": lambda levels, rng: _bending(15, levels, rng),
    "trend and noise": _trend,
    "flat, then collapse": _collapse,
}


def unrelated(shape: str, levels: int, rng: np.random.Generator) -> Floats:
    """Return two curves of a shape, drawn independently, [2, levels]."""
    return SHAPES[shape](levels, rng)


def _autocorrelations(curve: Floats) -> Floats:
    centred = curve - curve.mean()
    square = float(centred @ centred)
    return np.array([float(centred[lag:] @ centred[:-lag]) / square for lag in range(1, curve.size // 2)])


def _effective(x: Floats, y: Floats, lost: int = 0) -> float:
    """Return the p-value of two curves' linear correlation over their effective number of levels; 1 for a constant."""
    if min(np.ptp(x), np.ptp(y)) < 1e-9:
        return 1.0
    rho = float(np.corrcoef(x, y)[0, 1])
    together = float((_autocorrelations(x) * _autocorrelations(y)).sum())
    freedom = max(0.5, min(x.size, x.size / max(1.0, 1 + 2 * together)) - 2 - lost)
    t = abs(rho) * math.sqrt(freedom / max(1 - rho**2, 1e-300))
    return max(float(2 * stats.t.sf(t, freedom)), float(stats.pearsonr(x, y).pvalue))


def _detrended(x: Floats, y: Floats) -> float:
    levels = np.arange(x.size)
    x, y = (ranks - np.polyval(np.polyfit(levels, ranks, 1), levels) for ranks in map(stats.rankdata, (x, y)))
    return _effective(x, y, 1)


TESTS: dict[str, Callable[[Floats, Floats], float]] = {
    "naive": lambda x, y: float(stats.spearmanr(x, y).pvalue),
    "effective levels": lambda x, y: _effective(stats.rankdata(x), stats.rankdata(y)),
    "differences": lambda x, y: _effective(stats.rankdata(np.diff(x)), stats.rankdata(np.diff(y))),
    "detrended": _detrended,
}


def false_positives(shape: str, levels: int, pairs: int, seed: int) -> dict[str, float]:
    """Return the fraction of unrelated pairs that each test takes for related at a nominal 5 %."""
    rng = np.random.default_rng(seed)
    curves = [unrelated(shape, levels, rng) for _ in range(pairs)]
    return {name: float(np.mean([test(x, y) < 0.05 for x, y in curves])) for name, test in TESTS.items()}
