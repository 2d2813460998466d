"""Groups of runs as pictures that fit a column of a paper."""

import io
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
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sdd.analysis.loss_curves import LossCurve
from sdd.analysis.phases import Phases
from sdd.analysis.plots import _FONT, COLOURS, _shade, set_sparsity_axis, sparsity_places
from sdd.files import write_atomically

Floats = NDArray[np.float64]

COLUMN_WIDTH = 3.3
"""Of a two-column page, in inches."""

FORMATS = ("png", "svg")

_LABELS = {
    "distance": "learning distance",
    "hessian_top": "largest Hessian eigenvalue",
    "hessian_trace": "Hessian trace",
    "sharpness": "sharpness",
}
_OTHER_COLOUR = "#CC79A7"
_WIDE = 20.0
_LINE_STYLES = ("-", "--", "-.", ":")
_MARGIN = 1.0  # inches left and right of a panel with two y axes


def draw_group(analysis: Mapping[str, Any], path: str | os.PathLike[str], measures: Sequence[str]) -> list[Path]:
    """Draw test accuracy and other measures over sparsity, mean and standard deviation over seeds.

    One panel a measure, test accuracy at its left axis and the measure at its right one, which is logarithmic
    where all values are positive and span more than a factor of 20. Phases of the mean curve are shaded.

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
    figure = Figure(figsize=(COLUMN_WIDTH, 0.75 + 1.55 * panels), layout="constrained")
    places = sparsity_places(_sparsities(analysis["levels"]))
    for index, (axes, name) in enumerate(
        zip(figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0], shown, strict=True)
    ):
        set_sparsity_axis(axes, places, COLUMN_WIDTH - _MARGIN)
        _shade_phases(axes, analysis, named=index == 0)
        _band(axes, analysis, "test_acc", places, 100.0)
        right = axes.twinx()
        values = _values(analysis, name, "mean")
        if _is_wide(values):
            right.set_yscale("log")
        _band(right, analysis, name, places, 1.0)
        axes.set_ylabel("test accuracy, %", fontsize=_FONT, color=COLOURS["test_acc"])
        right.set_ylabel(_LABELS.get(name, name), fontsize=_FONT, color=_colour(name))
        for side, colour in ((axes, COLOURS["test_acc"]), (right, _colour(name))):
            side.tick_params(labelsize=_FONT, length=2.5)
            side.tick_params(axis="y", colors=colour, which="both")
            side.spines["top"].set_visible(False)
        axes.set_title(_correlation(analysis, name), fontsize=_FONT, pad=11 if index == 0 else 3)
        if index == panels - 1:
            axes.set_xlabel("sparsity, percent", fontsize=_FONT)
    return _save(figure, path)


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
    figure = Figure(figsize=(COLUMN_WIDTH, 2.9), layout="constrained")
    axes = figure.subplots()
    if _is_wide(np.concatenate([curve.mean for curve in curves])):
        axes.set_yscale("log")
    colours = mpl.colormaps["cividis"](np.linspace(0.0, 0.85, len(curves)))
    for index, curve in enumerate(curves):
        name = (names or {}).get(curve.level, f"level {curve.level}")
        _line(
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
    axes.set_xlabel("step along a random direction", fontsize=_FONT)
    axes.set_ylabel("training loss", fontsize=_FONT)
    axes.tick_params(labelsize=_FONT, length=2.5, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2, fontsize=_FONT, frameon=False)
    return _save(figure, path)


def draw_tickets(comparison: Mapping[str, Any], path: str | os.PathLike[str]) -> list[Path]:
    """Draw winning tickets against re-initialised networks, and below the difference with its interval.

    Above, the area between the two is shaded. Below, a filled marker is a level where the interval excludes
    zero, a diamond one that stays so with Holm's correction.

    Args:
        comparison: What `pair_groups` returned.
        path: Files to write, without suffix.

    Returns:
        The files written, PNG and SVG; none where no level is paired.

    Raises:
        OSError: A file could not be written.
    """
    levels = comparison["levels"]
    if not levels:
        return []
    figure = Figure(figsize=(COLUMN_WIDTH, 3.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.5, 1))
    places, colour = sparsity_places(_sparsities(levels)), COLOURS["test_acc"]
    old, new = (100 * _numbers(levels, name) for name in ("lottery_test_acc", "reinit_test_acc"))
    upper.plot(places, old, color=colour, marker="o", markersize=2.5, linewidth=1.3, label="winning ticket")
    upper.plot(places, new, color="black", linestyle="--", linewidth=1.1, label="re-initialised")
    upper.fill_between(places, old, new, where=new >= old, interpolate=True, color="#F0E442", alpha=0.9, linewidth=0)
    upper.fill_between(places, old, new, where=new <= old, interpolate=True, color=colour, alpha=0.25, linewidth=0)
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
    upper.set_ylabel("test accuracy, %", fontsize=_FONT, color=colour)
    upper.tick_params(axis="y", colors=colour)
    lower.set_ylabel("difference, points", fontsize=_FONT)
    lower.set_xlabel("sparsity, percent", fontsize=_FONT)
    set_sparsity_axis(lower, places, COLUMN_WIDTH - 0.5)
    for axes in (upper, lower):
        axes.tick_params(labelsize=_FONT, length=2.5)
        axes.spines[["top", "right"]].set_visible(False)
    for marker, meaning in (("o", "interval excludes 0"), ("D", "with Holm's correction too")):
        upper.plot([], [], color="black", linestyle="none", marker=marker, markersize=3.2, label=meaning)
    handles, labels = upper.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, fontsize=_FONT, frameon=False)
    return _save(figure, path)


def _save(figure: Figure, path: str | os.PathLike[str]) -> list[Path]:
    """Write each format in one step; the same picture is the same file."""
    base, paths = Path(path), []
    for form in FORMATS:
        content = io.BytesIO()
        with mpl.rc_context({"svg.hashsalt": "sdd"}):
            figure.savefig(content, format=form, dpi=300, metadata={"Date": None} if form == "svg" else None)
        paths.append(base.with_name(f"{base.name}.{form}"))
        write_atomically(paths[-1], content.getvalue())
    return paths


def _sparsities(levels: Sequence[Mapping[str, Any]]) -> list[float]:
    return [float(level["sparsity"]) for level in levels]


def _numbers(levels: Sequence[Mapping[str, Any]], name: str) -> Floats:
    """Return one entry of each level, [levels]; NaN for None."""
    return np.array([math.nan if level[name] is None else level[name] for level in levels], float)


def _values(analysis: Mapping[str, Any], name: str, what: str) -> Floats:
    """Return a measure's mean or standard deviation at each level, [levels]; NaN where there is none."""
    return _numbers([level.get(name, {what: None}) for level in analysis["levels"]], what)


def _colour(name: str) -> str:
    return COLOURS.get(name, _OTHER_COLOUR)


def _is_wide(values: Floats) -> bool:
    present = values[np.isfinite(values)]
    return bool(present.size and present.min() > 0 and present.max() > _WIDE * present.min())


def _band(axes: Axes, analysis: Mapping[str, Any], name: str, places: Floats, factor: float) -> None:
    mean, spread = (factor * _values(analysis, name, what) for what in ("mean", "sd"))
    marker = "o" if name == "test_acc" else "s"
    style = {"color": _colour(name), "marker": marker, "markersize": 2.2, "linewidth": 1.2}
    _line(axes, places, mean, spread, **style)


def _line(axes: Axes, x: Floats, mean: Floats, spread: Floats, **style: Any) -> None:
    """Draw a line, without gaps where values are missing, in a band of one standard deviation."""
    keep = np.isfinite(mean)
    x, mean, spread = x[keep], mean[keep], spread[keep]
    axes.plot(x, mean, **style)
    low, high = mean - spread, mean + spread
    if axes.get_yscale() == "log" and mean.size:
        low = np.maximum(low, mean.min() / 3)
    axes.fill_between(x, low, high, color=style["color"], alpha=0.22, linewidth=0)


def _shade_phases(axes: Axes, analysis: Mapping[str, Any], *, named: bool) -> None:
    """Shade the phases of the mean curve, and name them above."""
    found = analysis["phases"]
    if not found["double_descent"]:
        return
    values = {field.name: found[field.name] for field in fields(Phases)} | {"names": tuple(found["names"])}
    sparsities = {level["level"]: level["sparsity"] for level in analysis["levels"]}
    places = sparsity_places([sparsities[level] for level in found["levels"]])
    before = len(axes.texts)
    _shade(axes, axes, places, Phases(**values), COLUMN_WIDTH - _MARGIN)
    if not named:
        for text in list(axes.texts)[before:]:
            text.remove()


def _correlation(analysis: Mapping[str, Any], name: str) -> str:
    """Return a measure's rank correlation with test accuracy, as a title."""
    pooled = analysis["correlations"].get(name, {}).get("pooled")
    if not pooled or pooled["within"]["estimate"] is None:
        return ""
    within = pooled["within"]
    interval = "" if within["low"] is None else f" [{within['low']:+.2f}, {within['high']:+.2f}]"
    text = f"rank correlation {within['estimate']:+.2f}{interval}"
    return f"{text}, p = {pooled['p_ordered']:.2g}".replace("-", "−")
