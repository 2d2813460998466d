"""A run's curve as a picture."""

import io
import math
import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sdd.analysis.curve import column
from sdd.analysis.phases import PHASES, Phases
from sdd.files import write_atomically

Floats = NDArray[np.float64]

# Okabe and Ito's palette, told apart by colour-blind readers; one colour per measure in every figure.
COLOURS = {
    "test_acc": "#0072B2",
    "train_acc": "#000000",
    "memorized": "#D55E00",
    "recovered": "#E69F00",
    "distance": "#009E73",
    "distance_init": "#56B4E9",
    "hessian_top": "#CC79A7",
    "hessian_trace": "#CC79A7",
    "sharpness": "#CC79A7",
}

PHASE_SHADES = {"light": "#FFFFFF", "critical": "#F6D9CC", "sweet": "#D5EBDD", "collapsed": "#E2E2E2"}

_LABELS = {
    "test_acc": "test accuracy",
    "train_acc": "training accuracy",
    "memorized": "memorised wrong labels",
    "recovered": "recovered true labels",
}
_STYLES = {
    "test_acc": {"marker": "o", "markersize": 2.5, "linewidth": 1.6, "zorder": 4},
    "train_acc": {"linestyle": "--", "linewidth": 1.1},
    "memorized": {"linestyle": "-.", "linewidth": 1.1},
    "recovered": {"linestyle": ":", "linewidth": 0.9},
}
_FONT = 7.0
_INCHES_PER_CHARACTER = 0.6 * _FONT / 72


def draw_curve(
    rows: Sequence[Mapping[str, float | int]],
    phases: Phases | None,
    path: str | os.PathLike[str],
    *,
    title: str = "",
    formats: Sequence[str] = ("png",),
    width: float = 5.0,
) -> list[Path]:
    """Draw accuracies above and learning distance below, over sparsity.

    The sparsity axis is logarithmic in the fraction of weights that remain, dense at the left; a level with none
    remaining stands half a decade right of the last that has some.

    Args:
        rows: One a level; NaN leaves a gap.
        phases: Shaded and named where there is a double descent.
        path: File to write; its suffix is replaced by each format's.
        title: Above the picture.
        formats: Of matplotlib's, such as `png`, `svg`, `pdf`.
        width: In inches; 3.3 to 6 read well.

    Returns:
        The files written, each in one step.

    Raises:
        OSError: A file could not be written.
    """
    figure = curve_figure(rows, phases, title=title, width=width)
    paths = []
    for form in formats:
        content = io.BytesIO()
        figure.savefig(content, format=form, dpi=200)
        paths.append(Path(path).with_suffix(f".{form}"))
        write_atomically(paths[-1], content.getvalue())
    return paths


def curve_figure(
    rows: Sequence[Mapping[str, float | int]], phases: Phases | None, *, title: str = "", width: float = 5.0
) -> Figure:
    """Return the picture that `draw_curve` writes; it belongs to no pyplot state."""
    figure = Figure(figsize=(width, 0.45 * width + 2.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.4, 1))
    sparsity = column(rows, "sparsity")
    places = sparsity_places(sparsity)
    for name, style in _STYLES.items():
        values = 100 * np.array(column(rows, name))
        if np.isfinite(values).any():
            upper.plot(places, values, color=COLOURS[name], label=_LABELS[name], **style)
    lower.plot(places, column(rows, "distance"), color=COLOURS["distance"], marker="o", markersize=2.5, linewidth=1.4)
    upper.set_ylim(-3, 107)
    upper.set_ylabel("percent", fontsize=_FONT)
    lower.set_ylabel("learning\ndistance", fontsize=_FONT)
    lower.set_xlabel("sparsity, percent", fontsize=_FONT)
    set_sparsity_axis(lower, places, width - 0.6, ends_at_one=any(value >= 1 for value in sparsity))
    if phases is not None and phases.trough is not None and phases.peak is not None:
        _shade(upper, lower, places, phases, width - 0.6)
        _mark(upper, rows, places, phases.trough, below=True)
        _mark(upper, rows, places, phases.peak, below=False)
    for axes in (upper, lower):
        axes.tick_params(labelsize=_FONT, length=2.5)
        axes.spines[["top", "right"]].set_visible(False)
    if title:
        figure.suptitle(title, fontsize=_FONT + 1.5)
    if upper.lines:
        figure.legend(
            *upper.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=2,
            fontsize=_FONT,
            frameon=False,
        )
    return figure


def sparsity_places(sparsity: Sequence[float]) -> Floats:
    """Return each level's place on the axis, −log10 of the remaining fraction, [levels]; dense is 0."""
    remaining = 1 - np.array(sparsity, float)
    some = remaining > 0
    places = np.full(remaining.shape, math.nan)
    places[some] = -np.log10(remaining[some]) + 0.0
    places[remaining <= 0] = max(places[some], default=0.0) + 0.5
    return places


def set_sparsity_axis(axes: Axes, places: Floats, inches: float, *, ends_at_one: bool = False) -> None:
    """Label an axis of `sparsity_places` with sparsities in percent, as many as fit.

    Args:
        axes: Its x axis is set.
        places: Those of the levels, [levels].
        inches: About how wide the axis is.
        ends_at_one: The last place is that of a level with no weight remaining.
    """
    finite = places[np.isfinite(places)]
    end = float(finite.max(initial=0.0))
    span = max(end, 0.1)
    axes.set_xlim(-0.03 * span, 1.03 * span)
    taken: list[tuple[float, float]] = []
    ticks: list[tuple[float, str]] = []
    wanted = [(-math.log10(fraction) + 0.0, f"{100 * (1 - fraction):.8g}") for fraction in _tick_fractions(end)]
    if ends_at_one:
        rest = finite[finite < end]
        last = float(rest.max(initial=0.0))
        wanted = [(end, "100"), *(tick for tick in wanted if tick[0] <= last)]
    for place, label in wanted:
        half = (len(label) + 1) * _INCHES_PER_CHARACTER / 2 * 1.06 * span / inches
        if place <= end + 1e-9 and all(place + half < low or place - half > high for low, high in taken):
            taken.append((place - half, place + half))
            ticks.append((place, label))
    ticks.sort()
    axes.set_xticks([place for place, _ in ticks], [label for _, label in ticks])


def _tick_fractions(end: float) -> list[float]:
    """Return remaining fractions worth a label, the most wanted first: decades, then halves, then fifths."""
    decades = range(math.ceil(end) + 1)
    return [factor * 10.0**-decade for factor in (1, 0.5, 0.2) for decade in decades] + [0.8]


def _shade(upper: Axes, lower: Axes, places: Floats, phases: Phases, inches: float) -> None:
    """Shade the phases in both panels and name them above the upper one."""
    low, high = upper.get_xlim()
    edges, names = [low], []
    for name in PHASES:
        pairs = zip(places, phases.names, strict=True)
        inside = [place for place, other in pairs if other == name and np.isfinite(place)]
        if inside:
            names.append(name)
            edges.append(float(inside[-1]))
    edges[-1] = high
    for axes in (upper, lower):
        for name, (start, end) in zip(names, pairwise(edges), strict=True):
            axes.axvspan(start, end, color=PHASE_SHADES[name], linewidth=0, zorder=0)
    widths = [(len(name) + 1) * _INCHES_PER_CHARACTER * (high - low) / inches for name in names]
    centres = [(start + end) / 2 for start, end in pairwise(edges)]
    for name, centre in zip(names, _apart(centres, widths, low, high), strict=True):
        upper.text(
            centre,
            1.01,
            name,
            transform=upper.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=_FONT,
        )


def _apart(centres: Sequence[float], widths: Sequence[float], low: float, high: float) -> list[float]:
    """Move labels as little as needed so that none overlaps its neighbour or leaves the axis."""
    moved, free = [], low
    for centre, width in zip(centres, widths, strict=True):
        moved.append(max(centre, free + width / 2))
        free = moved[-1] + width / 2
    free = high
    for index in range(len(moved) - 1, -1, -1):
        moved[index] = min(moved[index], free - widths[index] / 2)
        free = moved[index] - widths[index] / 2
    return moved


def _mark(axes: Axes, rows: Sequence[Mapping[str, float | int]], places: Floats, index: int, *, below: bool) -> None:
    """Mark a level's test accuracy and write its value beside it."""
    value = 100 * float(rows[index]["test_acc"])
    colour = COLOURS["test_acc"]
    axes.plot([places[index]], [value], marker="v" if below else "^", color=colour, markersize=6, zorder=5)
    axes.annotate(
        f"{value:.1f}",
        (places[index], value),
        xytext=(0, -6 if below else 6),
        textcoords="offset points",
        ha="center",
        va="top" if below else "bottom",
        fontsize=_FONT,
        color=colour,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.8, "linewidth": 0},
        zorder=6,
    )
