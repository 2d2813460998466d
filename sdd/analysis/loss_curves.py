"""One-dimensional loss curves around a level's weights, read back and averaged."""

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdd.files import read_table

Floats = NDArray[np.float64]

COLUMNS = ("level", "sparsity", "direction", "alpha", "loss")


@dataclass(frozen=True)
class LossPoint:
    """The loss at θ + α d: of one level, along one direction."""

    level: int
    sparsity: float
    direction: int
    alpha: float
    loss: float


@dataclass(frozen=True)
class LossCurve:
    """A level's loss along random directions.

    Attributes:
        level: Number of prunings.
        sparsity: Fraction of weights removed.
        alpha: Steps, in units of the filter-normalised direction, rising, [points].
        mean: Over directions of all runs, [points].
        spread: Standard deviation over them, [points]; NaN for one direction.
        directions: How many.
    """

    level: int
    sparsity: float
    alpha: Floats
    mean: Floats
    spread: Floats
    directions: int


def read_loss_curves(path: str | os.PathLike[str]) -> list[LossPoint]:
    """Read a table of loss curves.

    Args:
        path: A file with the columns of `COLUMNS`.

    Raises:
        UserError: It cannot be read or is damaged; the message names the line.
    """
    return [
        LossPoint(int(row["level"]), row["sparsity"], int(row["direction"]), row["alpha"], row["loss"])
        for row in read_table(Path(path), COLUMNS)
    ]


def mean_loss_curves(tables: Iterable[Sequence[LossPoint]], levels: Sequence[int] | None = None) -> list[LossCurve]:
    """Average the loss of each level over the directions of all runs.

    Args:
        tables: One of each run.
        levels: Those wanted, others are left out; None: all.

    Returns:
        By level. A step that some direction lacks is left out.
    """
    found: dict[int, dict[tuple[int, int], dict[float, float]]] = {}
    sparsities: dict[int, float] = {}
    for run, points in enumerate(tables):
        for point in points:
            if levels is None or point.level in levels:
                lines = found.setdefault(point.level, {})
                lines.setdefault((run, point.direction), {})[point.alpha] = point.loss
                sparsities.setdefault(point.level, point.sparsity)
    curves = []
    for level, lines in sorted(found.items()):
        alpha = sorted(set.intersection(*(set(line) for line in lines.values())))
        losses = np.array([[line[step] for step in alpha] for line in lines.values()], float)
        spread = losses.std(axis=0, ddof=1) if len(losses) > 1 else np.full(len(alpha), math.nan)
        curves.append(LossCurve(level, sparsities[level], np.array(alpha), losses.mean(axis=0), spread, len(losses)))
    return curves


def nearest_levels(wanted: Iterable[int], measured: Sequence[int]) -> list[int]:
    """Return the measured level nearest to each wanted one, without repeats, rising; of two the lower one.

    Args:
        wanted: Levels.
        measured: Levels that were measured.
    """
    return sorted({min(measured, key=lambda level: (abs(level - aim), level)) for aim in wanted}) if measured else []
