"""Panels drawn side by side, and written as files.

::

    line = Line.over_runs("noise rate 0.2", sparsity, values, column)
    panel = Panel("magnitude", left=(line,), x="remaining_fraction")
    figure = draw_panels([panel])
    write_panels([panel], figure, Path("figure.pdf"))
"""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sdd.analysis.derived import GENERALIZATION_GAP
from sdd.analysis.drawing import (
    FONT,
    REMAINING_LABEL,
    draw_line,
    legend_below,
    plain_axes,
    remaining_places,
    scale_for,
    set_remaining_axis,
    shade_phases,
    sparsity_places,
    write_figure,
)
from sdd.analysis.panel_looks import MARK, Looks, band_handles, mark_handles, phase_handles
from sdd.analysis.panels import Band, Line, Panel, XKind, columns_in, numbers_table
from sdd.errors import UserError
from sdd.files import write_atomically
from sdd.measures.columns import Column
from sdd.termination import interrupts_held

FORMATS = ("pdf", "png", "svg")
"""Formats that a figure is written in, each a suffix of its file."""

X_LABELS: dict[XKind, str] = {
    "sparsity": "sparsity (%)",
    "remaining_fraction": REMAINING_LABEL,
    "weights": "number of remaining weights",
    "level": "level",
    "epoch": "epoch",
    "alpha": "α",
}

_PANEL_WIDTH, _SINGLE_WIDTH, _PANEL_HEIGHT = 2.5, 3.8, 1.8  # inches
_AXIS_HEIGHT = 0.7 * _PANEL_HEIGHT  # of the axes alone, beside which their label stands
_LINE_HEIGHT = 1.3 * FONT / 72
_BEYOND = 5.0  # percent: margin of an axis of fractions


@interrupts_held()
def draw_panels(
    panels: Sequence[Panel],
    *,
    columns: int = 3,
    ordered: bool = False,
    band: Band = "sd",
    title: str = "",
    legend_title: str = "",
    over: str = "seeds",
    share_y: bool = True,
) -> Figure:
    """Return panels side by side as a figure that belongs to no pyplot state.

    Args:
        panels: One or more, each with a line.
        columns: Most panels in a row.
        ordered: Whether the labels are steps of a scale, such as noise rates, in the order in which lines first name
            them: they get the steps of a palette of rising lightness; else a categorical one.
        band: What a band shows; the legend says it, and over how many.
        title: Above all.
        legend_title: What the labels are values of, such as `noise rate`.
        over: What the bands and the means are over, as the legend says it, in the plural.
        share_y: Give panels with the same measures at the left the same y range; likewise at the right.

    Raises:
        ValueError: There is no panel, or one without a line at the left.
    """
    if not panels or not all(panel.left for panel in panels):
        raise ValueError("each panel needs a line at the left")
    across = min(columns, len(panels))
    rows = math.ceil(len(panels) / across)
    wide = _PANEL_WIDTH if across > 1 else _SINGLE_WIDTH
    inches = wide + (0.35 if any(panel.right for panel in panels) else 0.0)
    labels = list(dict.fromkeys(line.label for panel in panels for line in panel.lines))
    width = across * inches
    figure = Figure(layout="constrained")
    looks = Looks(panels, labels, ordered=ordered)
    grid = figure.subplots(rows, across, squeeze=False)
    for axes in grid.ravel()[len(panels) :]:
        axes.set_axis_off()
    sides: dict[tuple[str, ...], list[Axes]] = {}
    for panel, axes in zip(panels, grid.ravel(), strict=False):
        for side, drawn in _draw_panel(panel, axes, looks, band, width / across - (1.1 if panel.right else 0.6)):
            sides.setdefault((side, *sorted({line.column.name for line in drawn[1]})), []).append(drawn[0])
    if share_y:
        for alike in sides.values():
            _share_y(alike)
    folded = [part for line in title.splitlines() for part in textwrap.wrap(line, int(width / _character(FONT + 1)))]
    if folded:
        figure.suptitle("\n".join(folded), fontsize=FONT + 1, parse_math=False)
    handles = looks.handles(legend_title) + band_handles(panels, band, over)
    handles += phase_handles(panels) + mark_handles(panels)
    widest = max(len(text) for handle in handles for text in str(handle.get_label()).splitlines())
    fitting = max(1, min(4, len(handles), int(width / (_character(FONT) * widest + 0.5))))
    legend_below(figure, handles, ncols=fitting)
    titles = max(panel.title.count("\n") for panel in panels)
    height = rows * (_PANEL_HEIGHT + _LINE_HEIGHT * titles) + _LINE_HEIGHT * (len(folded) + 1)
    figure.set_size_inches(width, height + 1.3 * _LINE_HEIGHT * math.ceil(len(handles) / fitting))
    return figure


def write_panels(panels: Sequence[Panel], figure: Figure, path: Path) -> list[Path]:
    """Write a figure in the format of its path's suffix, and its numbers beside it; the same is the same bytes.

    Returns:
        The files written: the figure, and `<its name>-numbers.csv`, which is `numbers_table`.

    Raises:
        UserError: The suffix is none of `FORMATS`.
        OSError: A file could not be written; the old one is as it was.
    """
    check_format(path)
    write_figure(figure, path, 300)
    table = path.with_name(f"{path.stem}-numbers.csv")
    write_atomically(table, numbers_table(panels))
    return [path, table]


def check_format(path: Path) -> None:
    """Refuse a path whose suffix is none of `FORMATS`.

    Raises:
        UserError: It is not.
    """
    if path.suffix.removeprefix(".") not in FORMATS:
        allowed = ", ".join(f".{form}" for form in FORMATS)
        raise UserError(f"cannot draw {str(path)!r}: the name of a figure's file must end with one of {allowed}")


def _character(size: float) -> float:
    """Return about how wide a character of a font size in points is, in inches."""
    return 0.55 * size / 72


def _draw_panel(
    panel: Panel, axes: Axes, looks: Looks, band: Band, inches: float
) -> list[tuple[str, tuple[Axes, tuple[Line, ...]]]]:
    """Draw a panel; returns each y axis with its side and lines."""
    places = _places(panel)
    if panel.phases is not None and panel.phases.double_descent and panel.phase_x is not None:
        _set_x_axis(axes, panel, places, inches)
        shade_phases([axes], np.array([places[float(x)] for x in panel.phase_x]), panel.phases, inches)
    sides = [("left", (axes, panel.left))]
    if panel.right:
        sides.append(("right", (axes.twinx(), panel.right)))
    plain_axes(axes)
    for side, (one, lines) in sides:
        if not any(line.column.fraction for line in lines):
            scale_for(one, np.concatenate([line.mean for line in lines]))
        for line in lines:
            factor = line.column.factor
            half = line.half_width(band)
            x = np.array([places[float(x)] for x in line.x])
            draw_line(one, x, factor * line.mean, None if half is None else factor * half, **looks.of(panel, line))
        _cut_to_fractions(one, lines)
        colour = looks.axis_colour(lines) if panel.right else "black"
        label = (panel.left_label if side == "left" else panel.right_label) or axis_label(columns_in(lines))
        label = textwrap.fill(label, int(_AXIS_HEIGHT / _character(FONT)))
        one.set_ylabel(label, fontsize=FONT, color=colour, parse_math=False)
        one.tick_params(axis="y", labelsize=FONT, length=2.5, which="both", colors=colour)
        one.spines["top"].set_visible(False)
    for place, _ in panel.marks:
        axes.axvline(place, **MARK)
    axes.set_xlabel(panel.x_label or X_LABELS[panel.x], fontsize=FONT)
    _set_x_axis(axes, panel, places, inches)
    if panel.title:
        shaded = panel.phases is not None and panel.phases.double_descent
        axes.set_title(panel.title, fontsize=FONT + 1, pad=12 if shaded else 4, parse_math=False)
    return sides


def _places(panel: Panel) -> dict[float, float]:
    """Return where each x of a panel stands on its axis."""
    further = [] if panel.phase_x is None else [panel.phase_x]
    known = np.unique(np.concatenate([line.x for line in panel.lines] + further))
    places = known
    if panel.x == "sparsity":
        places = sparsity_places(list(known))
    if panel.x == "remaining_fraction":
        places = remaining_places(known)
    if panel.x == "weights":
        places = np.where(known > 0, known, math.nan)  # none has no place on a logarithmic axis
    return {float(x): float(place) for x, place in zip(known, places, strict=True)}


def _set_x_axis(axes: Axes, panel: Panel, places: dict[float, float], inches: float) -> None:
    if panel.x in ("sparsity", "remaining_fraction"):
        at = np.array(list(places.values()))
        ends = max(places, default=0.0) >= 1 if panel.x == "sparsity" else min(places, default=1.0) <= 0
        set_remaining_axis(axes, at, inches, ends_at_none=ends, sparsity=panel.x == "sparsity")
    elif panel.x == "weights":
        some = [place for place in places.values() if math.isfinite(place)] or [1.0]
        axes.set_xscale("log")
        axes.set_xlim(1.2 * max(some), min(some) / 1.2)
    else:
        low, high = min(places), max(places)
        margin = 0.03 * ((high - low) or 1.0)
        axes.set_xlim(low - margin, high + margin)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=panel.x in ("level", "epoch")))


def _cut_to_fractions(axes: Axes, lines: Sequence[Line]) -> None:
    """Show 0 to 100 % at most of measures that cannot lie beyond, however far the intervals of few seeds reach."""
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log" or (low >= -_BEYOND and high <= 100 + _BEYOND):
        return
    if all(line.column.fraction and line.column.name != GENERALIZATION_GAP.name for line in lines):
        axes.set_ylim(max(low, -_BEYOND), min(high, 100 + _BEYOND))


def _share_y(alike: Sequence[Axes]) -> None:
    """Give axes the same y range and scale."""
    scale = "linear" if any(axes.get_yscale() == "linear" for axes in alike) else "log"
    limits = [axes.get_ylim() for axes in alike]
    for axes in alike:
        if axes.get_yscale() != scale:
            axes.set_yscale(scale)
        axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def axis_label(columns: Sequence[Column]) -> str:
    """Return the label of a y axis with some measures: what their labels end with alike, or all, and the unit."""
    if len(columns) == 1:
        return columns[0].title
    words = [column.label.split() for column in columns]
    alike: list[str] = []
    for ends in zip(*(reversed(one) for one in words), strict=False):
        if len({*ends}) > 1:
            break
        alike.insert(0, ends[0])
    units = {"%" if column.fraction else column.unit for column in columns}
    unit = f" ({units.pop()})" if len(units) == 1 and units != {""} else ""
    return (" ".join(alike) or ", ".join(column.label for column in columns)) + unit
