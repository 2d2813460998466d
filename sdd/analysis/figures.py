"""Groups of runs as pictures that fit a column of a paper."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

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
from sdd.analysis.loss_curves import LossCurve
from sdd.analysis.phase_correlations import STRETCHES
from sdd.analysis.phases import Phases
from sdd.analysis.turning_point import DISTANCE
from sdd.measures.columns import Column
from sdd.termination import interrupts_held

COLUMN_WIDTH = 3.3
"""Width of one column of a two-column page, in inches."""

FORMATS = ("png", "svg")

_RHO = "Spearman correlation"
_HOLM = "also with Holm's correction"
_NEW_BETTER: dict[str, Any] = {"color": "#F0E442", "alpha": 0.9, "linewidth": 0}
_LINE_STYLES = ("-", "--", "-.", ":")
_MARGIN = 1.0  # inches left and right of a panel with two y axes


@interrupts_held()
def draw_group(analysis: Mapping[str, Any], path: str | os.PathLike[str], measures: Sequence[str]) -> list[Path]:
    """Draw test accuracy and other measures over what remains, mean and standard deviation over seeds.

    One panel a measure, test accuracy at its left axis and the measure at its right one, which is logarithmic
    where all values are positive and span more than a factor of 20. Phases of the mean curve are shaded. Triangles at
    the upper edge are each seed's turning point of the learning distance. Above a panel stand the rank correlations
    over all levels, and from the dense level to the trough and on to the peak. The legend says all of this.

    Args:
        analysis: What `analyse_group` returned.
        path: Files to write, without suffix.
        measures: Columns, such as `distance`; those without any value are left out.

    Returns:
        The files written, PNG and SVG; none where no measure has a value.

    Raises:
        OSError: A file could not be written.
    """
    shown = [name for name in measures if np.isfinite(_values(analysis, name, "mean")).any()]
    if not shown:
        return []
    panels = len(shown)
    legend = _group_legend(analysis, shown)
    height = 0.75 + 1.65 * panels + 0.15 * sum(1 + handle.get_label().count("\n") for handle in legend)
    figure = Figure(figsize=(COLUMN_WIDTH, height), layout="constrained")
    places = sparsity_places(_sparsities(analysis["levels"]))
    for index, (axes, name) in enumerate(
        zip(figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0], shown, strict=True)
    ):
        set_remaining_axis(axes, places, COLUMN_WIDTH - _MARGIN)
        _shade_phases(axes, analysis, named=index == 0)
        right = axes.twinx()
        scale_for(right, _values(analysis, name, "mean"))
        for side, column in ((axes, _column(analysis, "test_acc")), (right, _column(analysis, name))):
            mean, spread = (column.factor * _values(analysis, column.name, what) for what in ("mean", "sd"))
            marker = "o" if side is axes else "s"
            draw_line(side, places, mean, spread, color=column.colour, marker=marker, markersize=2.2, linewidth=1.2)
            side.set_ylabel(column.title, fontsize=FONT, color=column.colour, parse_math=False)
            side.tick_params(labelsize=FONT, length=2.5)
            side.tick_params(axis="y", colors=column.colour, which="both")
            side.spines["top"].set_visible(False)
        if name == DISTANCE:
            _mark_turning_points(right, analysis)
        axes.set_title(_correlation(analysis, name), fontsize=FONT, pad=11 if index == 0 else 3)
        if index == panels - 1:
            axes.set_xlabel(REMAINING_LABEL, fontsize=FONT)
    legend_below(figure, legend, handlelength=1.6)
    return save(figure, path)


@interrupts_held()
def draw_loss_curves(
    curves: Sequence[LossCurve], path: str | os.PathLike[str], names: Mapping[int, str] | None = None
) -> list[Path]:
    """Draw loss curves of several levels on top of each other, mean and standard deviation over directions.

    Args:
        curves: By level; few, since each has its own line.
        path: Files to write, without suffix.
        names: What to call a level beside its sparsity, such as `trough`.

    Returns:
        The files written, PNG and SVG; none where there is no curve.

    Raises:
        OSError: A file could not be written.
    """
    if not curves:
        return []
    figure = Figure(figsize=(COLUMN_WIDTH, 3.1), layout="constrained")
    axes = figure.subplots()
    scale_for(axes, np.concatenate([curve.mean for curve in curves]))
    colours = mpl.colormaps["cividis"](np.linspace(0.0, 0.85, len(curves)))
    for index, curve in enumerate(curves):
        name = (names or {}).get(curve.level, f"level {curve.level}")
        draw_line(
            axes,
            curve.alpha,
            curve.mean,
            curve.spread,
            color=colours[index],
            linestyle=_LINE_STYLES[index % len(_LINE_STYLES)],
            linewidth=1.3,
            label=f"{100 * curve.sparsity:.4g} % ({name})",
        )
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("step along a random, filter-normalised direction", fontsize=FONT)
    axes.set_ylabel("training loss", fontsize=FONT)
    plain_axes(axes)
    counts = [curve.directions for curve in curves]
    n = f"{max(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    spread = "; bands: ± 1 standard deviation" if max(counts) > 1 else ""
    axes.set_title(f"levels by sparsity; n = {n} directions of all runs\nlines: mean{spread}", fontsize=FONT)
    figure.legend(loc="outside lower center", ncols=2, fontsize=FONT, frameon=False)
    return save(figure, path)


@interrupts_held()
def draw_tickets(comparison: Mapping[str, Any], path: str | os.PathLike[str], accuracy: Column) -> list[Path]:
    """Draw winning tickets against re-initialised networks, and below the difference with its interval.

    Above, the area between the two is shaded in the colour of the better one. Below, above zero is where the
    re-initialised ones are better; a filled marker is a level where the interval excludes zero, a diamond one that
    stays so with Holm's correction. The legend says all of this.

    Args:
        comparison: What `pair_groups` returned.
        path: Files to write, without suffix.
        accuracy: The column of test accuracy.

    Returns:
        The files written, PNG and SVG; none where no level is paired.

    Raises:
        OSError: A file could not be written.
    """
    return save(tickets_figure(comparison, accuracy), path) if comparison["levels"] else []


@interrupts_held()
def tickets_figure(comparison: Mapping[str, Any], accuracy: Column) -> Figure:
    """Return what `draw_tickets` writes; it belongs to no pyplot state.

    Args:
        comparison: What `pair_groups` returned, of one level or more.
        accuracy: The column of test accuracy.
    """
    levels = comparison["levels"]
    figure = Figure(figsize=(COLUMN_WIDTH, 4.1), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.5, 1))
    places, colour = sparsity_places(_sparsities(levels)), accuracy.colour
    old, new = (100 * _numbers(levels, name) for name in ("lottery_test_acc", "reinit_test_acc"))
    upper.plot(places, old, color=colour, marker="o", markersize=2.5, linewidth=1.3, label="winning ticket")
    upper.plot(places, new, color="black", linestyle="--", linewidth=1.1, label="re-initialised")
    upper.fill_between(
        places, old, new, where=new >= old, interpolate=True, label="re-initialised is better", **_NEW_BETTER
    )
    shade = {"color": colour, "alpha": 0.25, "linewidth": 0}
    upper.fill_between(places, old, new, where=new <= old, interpolate=True, label="ticket is better", **shade)
    mean, low, high = (100 * _numbers(levels, name) for name in ("mean", "low", "high"))
    lower.axhline(0, color="black", linewidth=0.6)
    lower.fill_between(places, low, high, color="#999999", alpha=0.4, linewidth=0)
    lower.plot(places, mean, color="black", linewidth=1)
    for place, value, level in zip(places, mean, levels, strict=True):
        certain = level["reinit_wins"] or level["lottery_wins"]
        holm = level["reinit_wins_holm"] or level["lottery_wins_holm"]
        lower.plot(
            [place],
            [value],
            marker="D" if holm else "o",
            markersize=3.2,
            color="black",
            markerfacecolor="black" if certain else "white",
            markeredgewidth=0.6,
        )
    upper.set_ylabel(accuracy.title, fontsize=FONT, color=colour)
    upper.tick_params(axis="y", colors=colour)
    lower.set_ylabel("re-initialised −\nwinning ticket, points", fontsize=FONT)
    lower.set_xlabel(REMAINING_LABEL, fontsize=FONT)
    set_remaining_axis(lower, places, COLUMN_WIDTH - 0.5)
    for axes in (upper, lower):
        plain_axes(axes)
    legend_below(
        figure,
        [*upper.get_legend_handles_labels()[0], *_ticket_legend(comparison)],
        ncols=2,
        handlelength=1.6,
        columnspacing=1.0,
    )
    return figure


def _ticket_legend(comparison: Mapping[str, Any]) -> list[Any]:
    """Return the legend's entries on what stands below: interval, marks."""
    counts = [level["n"] for level in comparison["levels"]]
    n = f"{max(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    marks = [("o", "white", "interval holds 0"), ("o", "black", "interval excludes 0"), ("D", "black", _HOLM)]
    interval = f"{100 * comparison['confidence']:.4g} % interval of the mean" if max(counts) > 1 else "no interval"
    return [
        Patch(color="#999999", alpha=0.4, linewidth=0, label=interval),
        *(
            Line2D(
                [], [], color="black", linestyle="none", marker=marker, markersize=3.2, markerfacecolor=fill, label=text
            )
            for marker, fill, text in marks
        ),
        Line2D([], [], linestyle="none", label=f"lines: mean over {n} pair{'' if n == '1' else 's'}"),
    ]


def save(figure: Figure, path: str | os.PathLike[str]) -> list[Path]:
    """Write each format in one step; the same picture is the same file.

    Args:
        figure: What is drawn.
        path: Of the files, without suffix.

    Returns:
        The files written.

    Raises:
        OSError: A file could not be written.
    """
    paths = [Path(path).with_name(f"{Path(path).name}.{form}") for form in FORMATS]
    for one in paths:
        write_figure(figure, one, 300)
    return paths


def _sparsities(levels: Sequence[Mapping[str, Any]]) -> list[float]:
    return [float(level["sparsity"]) for level in levels]


def _numbers(levels: Sequence[Mapping[str, Any]], name: str) -> Floats:
    """Return one entry of each level, [levels]; NaN for None."""
    return np.array([math.nan if level[name] is None else level[name] for level in levels], float)


def _values(analysis: Mapping[str, Any], name: str, what: str) -> Floats:
    """Return a measure's mean or standard deviation at each level, [levels]; NaN where there is none."""
    return _numbers([level.get(name, {what: None}) for level in analysis["levels"]], what)


def _column(analysis: Mapping[str, Any], name: str) -> Column:
    return Column.from_dict(analysis["columns"][name])


def _shade_phases(axes: Axes, analysis: Mapping[str, Any], *, named: bool) -> None:
    """Shade the phases of the mean curve, if it has any, and name them above where asked."""
    found = analysis["phases"]
    if not found["double_descent"]:
        return
    values = {field.name: found[field.name] for field in fields(Phases)} | {"names": tuple(found["names"])}
    sparsities = {level["level"]: level["sparsity"] for level in analysis["levels"]}
    places = sparsity_places([sparsities[level] for level in found["levels"]])
    shade_phases([axes], places, Phases(**values), COLUMN_WIDTH - _MARGIN, named=named)


def _group_legend(analysis: Mapping[str, Any], shown: Sequence[str]) -> list[Any]:
    """Return the legend of `draw_group`: lines and axes, band and n, shades, triangles, correlations."""
    accuracy = _column(analysis, "test_acc")
    counts = [level["test_acc"]["n"] for level in analysis["levels"]]
    n = f"{max(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    colours = {_column(analysis, name).colour for name in shown}
    right = colours.pop() if len(colours) == 1 else "#555555"
    handles: list[Any] = [
        Line2D([], [], color=accuracy.colour, marker="o", markersize=3, label=f"{accuracy.label}, left axis"),
        Line2D([], [], color=right, marker="s", markersize=3, label="measure at the right axis"),
    ]
    if max(counts) > 1:
        text = f"lines: mean over {n} seeds, bands: ± 1 standard deviation"
        handles.append(Patch(facecolor="#777777", alpha=0.3, label=text))
    else:
        handles.append(Line2D([], [], linestyle="none", label="one seed"))
    if DISTANCE in shown and any(seed["turns"] for seed in analysis["turning_point"]["per_seed"]):
        look = {"linestyle": "none", "marker": "v", "markersize": 3.5, "markeredgewidth": 0}
        colour = _column(analysis, DISTANCE).colour
        text = "turning point of each seed's learning distance"
        handles.append(Line2D([], [], color=colour, label=text, **look))  # type: ignore[arg-type]
    if analysis["phases"]["double_descent"]:
        handles.append(Line2D([], [], linestyle="none", label="shades: phases of the mean test accuracy"))
    pooled = [found["pooled"] for name, found in analysis["correlations"].items() if name in shown]
    seeds = max((found["seeds"] for found in pooled if found["within"]["estimate"] is not None), default=0)
    if seeds:
        level = f"{100 * pooled[0]['confidence']:.4g} % interval"
        over = f"mean over {seeds} seeds [{level}]" if seeds > 1 else "of one seed"
        text = f"{_RHO}: of ranks, over all levels,\n{over}"
        handles.append(Line2D([], [], linestyle="none", label=text))
    return handles


def _mark_turning_points(axes: Axes, analysis: Mapping[str, Any]) -> None:
    """Mark at the upper edge where each seed's learning distance turns."""
    found = analysis["turning_point"]["per_seed"]
    places = sparsity_places([seed["sparsity"] for seed in found if seed["turns"]])
    axes.plot(
        places,
        np.full(len(places), 0.97),
        transform=axes.get_xaxis_transform(),
        linestyle="none",
        marker="v",
        markersize=3.5,
        markeredgewidth=0,
        color=_column(analysis, DISTANCE).colour,
        alpha=0.6,
        label="turning point of each seed",
    )


def _correlation(analysis: Mapping[str, Any], name: str) -> str:
    """Return a measure's rank correlations with test accuracy, over all levels and within phases, as a title."""
    found = analysis["correlations"].get(name)
    if not found or found["pooled"]["within"]["estimate"] is None:
        return ""
    within = found["pooled"]["within"]
    interval = "" if within["low"] is None else f" [{within['low']:+.2f}, {within['high']:+.2f}]"
    title = f"{_RHO} with test accuracy: {within['estimate']:+.2f}{interval}"
    stretches = [
        f"{STRETCHES[stretch]} {part['pooled']['within']['estimate']:+.2f}"
        for stretch, part in found["phases"].items()
        if part["pooled"]["within"]["estimate"] is not None
    ]
    return "\n".join(filter(None, (title, ", ".join(stretches)))).replace("-", "−")
