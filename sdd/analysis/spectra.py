"""Densities of the Hessian's eigenvalues, read back, averaged over seeds, and drawn for some levels."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sdd.analysis.panel_drawing import draw_panels
from sdd.analysis.panels import Line, Panel
from sdd.files import read_table
from sdd.measures.columns import Column

Floats = NDArray[np.float64]

COLUMNS = ("level", "sparsity", "eigenvalue", "density")

_DENSITY = Column("density", "density of eigenvalues", colour="#CC79A7")
_POINTS = 400
_FLOOR = 1e-5  # of the largest density: what is below is drawn there, since the axis is logarithmic


@dataclass(frozen=True)
class SpectrumPoint:
    """The density of a level's eigenvalues at one of them."""

    level: int
    sparsity: float
    eigenvalue: float
    density: float


@dataclass(frozen=True)
class MeanSpectrum:
    """A level's density of eigenvalues over seeds.

    Attributes:
        level: Number of prunings.
        sparsity: Fraction of weights removed.
        eigenvalues: Rising, [points].
        densities: Of each run, [runs, points]; zero outside of a run's own eigenvalues.
    """

    level: int
    sparsity: float
    eigenvalues: Floats
    densities: Floats


def read_spectra(path: str | os.PathLike[str]) -> list[SpectrumPoint]:
    """Read a table of spectra.

    Args:
        path: A file with the columns of `COLUMNS`.

    Raises:
        UserError: It cannot be read or is damaged; the message names the line.
    """
    return [
        SpectrumPoint(int(row["level"]), row["sparsity"], row["eigenvalue"], row["density"])
        for row in read_table(Path(path), COLUMNS)
    ]


def mean_spectra(tables: Sequence[Sequence[SpectrumPoint]], levels: Sequence[int]) -> list[MeanSpectrum]:
    """Put the spectra of several runs on common eigenvalues, by straight lines between those of each run.

    Args:
        tables: One of each run.
        levels: Those wanted.

    Returns:
        By level, of those that some run has.
    """
    found = []
    for level in sorted(set(levels)):
        runs = [[point for point in points if point.level == level] for points in tables]
        runs = [points for points in runs if points and all(math.isfinite(point.density) for point in points)]
        if not runs:
            continue
        ends = [point.eigenvalue for points in runs for point in points]
        grid = np.linspace(min(ends), max(ends), _POINTS)
        densities = [_on(grid, points) for points in runs]
        found.append(MeanSpectrum(level, runs[0][0].sparsity, grid, np.array(densities)))
    return found


def _on(grid: Floats, points: Sequence[SpectrumPoint]) -> Floats:
    """Return a run's density on a grid of eigenvalues, [points]; zero outside of its own."""
    own = np.array([(point.eigenvalue, point.density) for point in points])
    return np.asarray(np.interp(grid, own[:, 0], own[:, 1], left=0.0, right=0.0))


def spectrum_figure(spectra: Sequence[MeanSpectrum], names: Mapping[int, str]) -> Figure:
    """Return the densities of several levels in one panel, on a logarithmic axis.

    Args:
        spectra: By level; few, since each has its own line.
        names: What to call a level beside its sparsity, such as `trough`.
    """
    lines = []
    for spectrum in spectra:
        remain = f"{100 * (1 - spectrum.sparsity):.2g}" if spectrum.sparsity > 0 else "100"
        label = f"{remain} % remain ({names.get(spectrum.level, f'level {spectrum.level}')})"
        mean = spectrum.densities.mean(axis=0)
        above = np.flatnonzero(mean > _FLOOR * mean.max())
        shown = slice(above[0], above[-1] + 1)
        line = Line.over_runs(label, spectrum.eigenvalues[shown], spectrum.densities[:, shown], _DENSITY)
        lines.append(replace(line, mean=np.maximum(line.mean, _FLOOR * mean.max())))
    panel = Panel("", tuple(lines), x="alpha", x_label="eigenvalue of the Hessian of the training loss")
    return draw_panels(
        [panel], ordered=True, band="none"
    )  # on this axis a standard deviation reaches below all numbers
