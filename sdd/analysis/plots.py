"""A run's curve as a picture."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sdd.analysis.columns import Columns, columns_of, further_measures
from sdd.analysis.curve import column
from sdd.analysis.drawing import (
    FONT,
    REMAINING_LABEL,
    Floats,
    draw_line,
    legend_below,
    plain_axes,
    scale_for,
    set_remaining_axis,
    shade_phases,
    sparsity_places,
    write_figure,
)
from sdd.analysis.phases import Phases
from sdd.analysis.turning_point import DISTANCE, turning_point
from sdd.measures.columns import Column
from sdd.termination import interrupts_held

# Lines of the upper panel.
_STYLES: dict[str, dict[str, Any]] = {
    "test_acc": {"marker": "o", "markersize": 2.5, "linewidth": 1.6, "zorder": 4},
    "best_test_acc": {"linestyle": (0, (3, 1, 1, 1)), "linewidth": 1.1},
    "train_acc": {"linestyle": "--", "linewidth": 1.1},
    "memorized": {"linestyle": "-.", "linewidth": 1.1},
    "recovered": {"linestyle": ":", "linewidth": 0.9},
}
# Lines of the panel of distances.
_DISTANCE_STYLES: dict[str, dict[str, Any]] = {
    DISTANCE: {"marker": "o", "markersize": 2.5, "linewidth": 1.4, "zorder": 4},
    "distance_start": {"linestyle": "--", "linewidth": 1.0},
    "distance_init": {"linestyle": ":", "linewidth": 1.0},
}
_MOST_FURTHER = 4
_PANEL = 0.75  # inches of a panel of a further measure
_LABEL_WIDTH = 14  # characters


@interrupts_held()
def draw_curve(
    rows: Sequence[Mapping[str, float | int]],
    phases: Phases | None,
    path: Path,
    *,
    title: str = "",
    columns: Columns | None = None,
) -> None:
    """Write a curve as a picture: accuracies, learning distances and further measures over what remains.

    The axis is logarithmic in the fraction of weights that remain, dense at the left; a level with none
    remaining stands half a decade right of the last that has some. Triangles mark trough and peak of test accuracy
    where there are some, and then the turning point of the learning distance too.

    Args:
        rows: One a level; NaN leaves a gap.
        phases: Shaded and named where there is a double descent.
        path: File to write, in one step; its suffix is one of matplotlib's formats.
        title: Above the picture.
        columns: What the run's folder holds of them; None: as the built-in measures declare them.

    Raises:
        OSError: The file could not be written.
    """
    write_figure(curve_figure(rows, phases, title=title, columns=columns), path, 200)


def curve_figure(
    rows: Sequence[Mapping[str, float | int]],
    phases: Phases | None,
    *,
    title: str = "",
    columns: Columns | None = None,
    width: float = 5.0,
) -> Figure:
    """Return the picture that `draw_curve` writes; it belongs to no pyplot state.

    Args:
        rows: One a level.
        phases: Of the curve.
        title: Above the picture.
        columns: As for `draw_curve`.
        width: In inches; 3.3 to 6 read well.
    """
    known = columns_of(rows, columns)
    further = [one for one in further_measures(known) if one.name not in _STYLES]
    further = [one for one in further if np.isfinite(column(rows, one.name)).any()][:_MOST_FURTHER]
    heights = [2.4, 1, *(0.8 for _ in further)]
    figure = Figure(figsize=(width, 0.45 * width + 2.0 + _PANEL * len(further)), layout="constrained")
    upper, *lower = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    sparsity = column(rows, "sparsity")
    places = sparsity_places(sparsity)
    for name in [name for name in _STYLES if name in known]:
        values = 100 * np.array(column(rows, name))
        if np.isfinite(values).any():
            upper.plot(places, values, color=known[name].colour, label=known[name].label, **_STYLES[name])
    upper.set_ylim(-3, 107)
    upper.set_ylabel("percent", fontsize=FONT)
    for name in [name for name in _DISTANCE_STYLES if name in known]:
        values = np.array(column(rows, name))
        if np.isfinite(values).any():
            lower[0].plot(places, values, color=known[name].colour, label=known[name].label, **_DISTANCE_STYLES[name])
    if DISTANCE in known:
        _name_axis(lower[0], known[DISTANCE])
    for axes, measure in zip(lower[1:], further, strict=True):
        _draw_measure(axes, places, np.array(column(rows, measure.name)), measure)
    lower[-1].set_xlabel(REMAINING_LABEL, fontsize=FONT)
    set_remaining_axis(lower[-1], places, width - 0.6, ends_at_none=any(value >= 1 for value in sparsity))
    if phases is not None and phases.trough is not None and phases.peak is not None:
        shade_phases([upper, *lower], places, phases, width - 0.6)
        for index, below in ((phases.trough, True), (phases.peak, False)):
            _mark(upper, places[index], 100 * float(rows[index]["test_acc"]), known["test_acc"].colour, below=below)
        turn = turning_point(rows, phases)
        if turn is not None and turn.turns:
            (place,) = sparsity_places([turn.sparsity])
            lower[0].plot([place], [turn.value], marker="^", color=known[DISTANCE].colour, markersize=6, zorder=5)
    for axes in (upper, *lower):
        plain_axes(axes)
    if title:
        figure.suptitle(title, fontsize=FONT + 1.5, parse_math=False)
    handles, labels = (one + other for one, other in zip(*map(_legend, (upper, lower[0])), strict=True))
    if handles:
        legend_below(figure, handles, labels, ncols=2)
    return figure


def _draw_measure(axes: Axes, places: Floats, values: Floats, measure: Column) -> None:
    """Draw one measure in a panel of its own, joined across levels at which it was not measured."""
    scale_for(axes, values)
    line = measure.factor * values
    draw_line(axes, places, line, color=measure.colour, marker="o", markersize=2.0, linewidth=1.2)
    _name_axis(axes, measure)


def _legend(axes: Axes) -> tuple[list[Any], list[Any]]:
    """Return what a panel's legend has: handles and labels."""
    return axes.get_legend_handles_labels()


def _name_axis(axes: Axes, measure: Column) -> None:
    axes.set_ylabel(textwrap.fill(measure.title, _LABEL_WIDTH), fontsize=FONT, parse_math=False)


def _mark(axes: Axes, place: float, value: float, colour: str, *, below: bool) -> None:
    """Mark a level's test accuracy, in percent, and write its value beside it."""
    axes.plot([place], [value], marker="v" if below else "^", color=colour, markersize=6, zorder=5)
    axes.annotate(
        f"{value:.1f}",
        (place, value),
        xytext=(0, -6 if below else 6),
        textcoords="offset points",
        ha="center",
        va="top" if below else "bottom",
        fontsize=FONT,
        color=colour,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.8, "linewidth": 0},
        zorder=6,
    )
