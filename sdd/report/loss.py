"""A run's one-dimensional loss curves, small enough for a page that holds hundreds of runs."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from sdd.analysis.loss_curves import LossCurve, mean_loss_curves, read_loss_curves
from sdd.analysis.one_shot import part_levels
from sdd.analysis.reading import Run
from sdd.errors import UserError
from sdd.runs.folder import RunFolder

MEAN_DIGITS, SPREAD_DIGITS = 4, 2
"""Significant digits of what the page holds of loss curves; `loss_curves.csv` has them all."""


def loss_curves(run: Run) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the loss around each level's weights, mean and standard deviation over directions.

    Args:
        run: A run, or a curve joined of several.

    Returns:
        `alpha`, `levels`, `directions` [levels], `mean` and `sd` [levels, alpha], rounded to `MEAN_DIGITS` and
        `SPREAD_DIGITS` significant digits, None where there is no number; None as a whole where the run has no
        loss curves. And what is wrong with its tables, in words.
    """
    found: dict[int, LossCurve] = {}
    problems = []
    for part, levels in part_levels(run):
        path = RunFolder(part.path).loss_curves
        try:
            status = path.stat()
        except OSError:
            continue  # measured only where asked for
        try:
            curves = _curves(path, status.st_mtime_ns, status.st_size)
        except UserError as error:
            problems.append(f"{error}; its loss curves are left out")
            continue
        found |= {levels[level]: curve for level, curve in curves.items() if level in levels}
    if not found:
        return None, problems
    found = dict(sorted(found.items()))
    steps = sorted({step for curve in found.values() for step in curve.alpha.tolist()})
    return {
        "alpha": steps,
        "levels": list(found),
        "directions": [curve.directions for curve in found.values()],
        "mean": [_on(steps, curve.alpha.tolist(), curve.mean.tolist(), MEAN_DIGITS) for curve in found.values()],
        "sd": [_on(steps, curve.alpha.tolist(), curve.spread.tolist(), SPREAD_DIGITS) for curve in found.values()],
    }, problems


@lru_cache(maxsize=1024)
def _curves(path: Path, _changed: int, _size: int) -> Mapping[int, LossCurve]:
    """Return a file's curves by level; a file that has not changed since is not read again, as under `--watch`."""
    return {curve.level: curve for curve in mean_loss_curves([read_loss_curves(path)])}


def _on(steps: Sequence[float], alpha: Sequence[float], values: Sequence[float], digits: int) -> list[float | None]:
    """Return a level's values at the steps of all levels, rounded; None where it has none."""
    there = dict(zip(alpha, values, strict=True))
    return [_rounded(there.get(step, math.nan), digits) for step in steps]


def _rounded(value: float, digits: int) -> float | None:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None
