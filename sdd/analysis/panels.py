"""Figures of several groups and measures: lines in panels side by side, their legends, and the table of their numbers.

Who has numbers makes `Line`s, puts them into `Panel`s and gets a figure, the file and the table::

    line = Line("noise rate 0.2", sparsity, mean, sd, n, column)
    panel = Panel("magnitude", left=(line,), x="remaining")
    figure = draw_panels([panel])
    write_panels([panel], figure, Path("figure.pdf"))

Colours and markers tell the labels of lines apart, line styles the measures of a panel; where all lines have one label,
colours tell the measures apart.
"""

import csv
import io
import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Literal, get_args

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from scipy import stats

from sdd.analysis.drawing import (
    FONT,
    PHASE_SHADES,
    Floats,
    draw_line,
    plain_axes,
    scale_for,
    set_sparsity_axis,
    shade_phases,
    sparsity_places,
    write_figure,
)
from sdd.analysis.phases import Phases
from sdd.errors import UserError
from sdd.files import write_atomically
from sdd.measures.columns import Column

XKind = Literal["sparsity", "remaining", "weights", "level", "epoch", "alpha"]
Band = Literal["sd", "ci", "none"]

BANDS: tuple[Band, ...] = get_args(Band)
FORMATS = ("pdf", "png", "svg")
"""Formats that a figure is written in, each a suffix of its file."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours of labels without an order, from Okabe and Ito: colour-blind readers tell them apart."""

X_LABELS: dict[XKind, str] = {
    "sparsity": "sparsity (%)",
    "remaining": "remaining weights (%)",
    "weights": "remaining weights",
    "level": "level",
    "epoch": "epoch",
    "alpha": "α",
}

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (3, 1, 1, 1)), (0, (6, 2)))
_PREFERRED: dict[str, Any] = {"test_acc": "-", "train_acc": "--"}
_PANEL_WIDTH, _SINGLE_WIDTH, _PANEL_HEIGHT = 2.5, 3.8, 1.8  # inches
_LINE_HEIGHT = 1.3 * FONT / 72
_MARKED = 45  # points above which a line has no markers
_CONFIDENCE = 0.95
_MARK: dict[str, Any] = {"color": "#555555", "linewidth": 0.8, "linestyle": ":"}


@dataclass(frozen=True, eq=False)
class Line:
    """One measure of one group over x: what a line and its band are drawn from.

    Attributes:
        label: Of the group, as the legend says it; lines of one label have one colour and marker in all panels.
        x: [points], rising; the sparsity as a fraction both for the axis of sparsity and that of remaining weights,
            else level, epoch or α itself.
        mean: Mean over runs in the measure's own unit, fractions as fractions, [points]; NaN is drawn over.
        sd: Standard deviation over runs, [points]; NaN where there is none.
        n: How many runs each point is the mean of, [points].
        column: The measure: its name, label and unit.
    """

    label: str
    x: Floats
    mean: Floats
    sd: Floats
    n: Floats
    column: Column

    def __post_init__(self) -> None:
        shapes = {np.shape(values) for values in (self.x, self.mean, self.sd, self.n)}
        if len(shapes) != 1 or len(shapes.pop()) != 1:
            raise ValueError(f"line {self.label!r} of {self.column.name}: x, mean, sd and n must all be [points]")

    @classmethod
    def over_runs(cls, label: str, x: Floats, values: Floats, column: Column) -> "Line":
        """Return the line of some values: mean and standard deviation over the runs that have a point.

        Args:
            label: As above.
            x: Likewise, [points].
            values: In the measure's own unit, [runs, points]; what is not finite counts as missing.
            column: As above.
        """
        there = np.isfinite(values)
        n = there.sum(axis=0).astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(there, values, 0.0).sum(axis=0) / n
            squares = np.where(there, (values - mean) ** 2, 0.0).sum(axis=0)
            sd = np.where(n > 1, np.sqrt(squares / (n - 1)), math.nan)
        return cls(label, x, mean, sd, n, column)

    def half_width(self, band: Band) -> Floats | None:
        """Return what the band reaches above and below the mean, [points], NaN where n < 2; None where it has none.

        Args:
            band: `sd`: one standard deviation; `ci`: the 95 % interval of the mean by Student's t; `none`.
        """
        some = (self.n > 1) & np.isfinite(self.sd)
        if band == "none" or not some.any():
            return None
        half = np.where(some, self.sd, math.nan)
        if band == "ci":
            half[some] *= stats.t.ppf((1 + _CONFIDENCE) / 2, self.n[some] - 1) / np.sqrt(self.n[some])
        return half


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes, or two with a second y axis at the right.

    Attributes:
        title: Above it; empty for none.
        left: Lines at the left y axis.
        right: Lines at the right one, such as the learning distance beside test accuracy; none: there is no right axis.
        x: What the x axis shows. `sparsity` and `remaining` are logarithmic in the fraction of weights that remain,
            dense at the left; the level with none remaining stands half a decade right of the last. `weights` is how
            many remain, logarithmic, most at the left.
        left_label: Of the left y axis; empty: made of the measures' labels and units.
        right_label: Likewise.
        x_label: Of the x axis; empty: `X_LABELS`.
        phases: Shaded where they have a double descent; None: nothing is.
        phase_x: Each level of `phases` on the x axis, in the unit of `Line.x`, [levels].
        marks: Places on the x axis that a dotted line marks, each with its name for the legend.
    """

    title: str
    left: tuple[Line, ...]
    right: tuple[Line, ...] = ()
    x: XKind = "sparsity"
    left_label: str = ""
    right_label: str = ""
    x_label: str = ""
    phases: Phases | None = None
    phase_x: Floats | None = None
    marks: tuple[tuple[float, str], ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, left ones first."""
        return (*self.left, *self.right)


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
    looks = _Looks(panels, labels, ordered=ordered)
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
        figure.suptitle("\n".join(folded), fontsize=FONT + 1)
    handles = looks.handles(legend_title) + _band_handles(panels, band, over)
    handles += _phase_handles(panels) + _mark_handles(panels)
    widest = max(len(text) for handle in handles for text in str(handle.get_label()).splitlines())
    fitting = max(1, min(4, len(handles), int(width / (_character(FONT) * widest + 0.5))))
    figure.legend(handles=handles, loc="outside lower center", ncols=fitting, fontsize=FONT, frameon=False)
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


def numbers_table(panels: Sequence[Panel]) -> str:
    """Return the numbers of all lines as CSV text, a row a point: in the measures' own units, not in percent."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["panel", "line", "measure", "axis", "x", "mean", "sd", "n"])
    for number, panel in enumerate(panels, 1):
        x_name = "sparsity" if panel.x == "remaining" else panel.x
        for line in panel.lines:
            for x, mean, sd, n in zip(line.x, line.mean, line.sd, line.n, strict=True):
                if math.isfinite(mean):
                    spread = repr(float(sd)) if math.isfinite(sd) else ""
                    about = [panel.title or number, line.label, line.column.name, x_name]
                    writer.writerow([*about, repr(float(x)), repr(float(mean)), spread, int(n)])
    return text.getvalue()


def _character(size: float) -> float:
    """Return about how wide a character of a font size in points is, in inches."""
    return 0.55 * size / 72


class _Looks:
    """Colour, marker and line style of each line, and the legend that says so."""

    def __init__(self, panels: Sequence[Panel], labels: Sequence[str], *, ordered: bool) -> None:
        self._labels = labels
        self._grouped = len(labels) > 1
        if ordered:
            steps = mpl.colormaps["viridis"](np.linspace(0.0, 0.88, len(labels)))
            colours = [mpl.colors.to_hex(step) for step in steps]
        else:
            colours = list(islice(cycle(PALETTE), len(labels)))
        self._colours = dict(zip(labels, colours, strict=True))
        self._markers = dict(zip(labels, islice(cycle(_MARKERS), len(labels)), strict=True))
        self._measures = _columns(line for panel in panels for line in panel.lines)
        own = [column.colour for column in self._measures]
        distinct = own if len({*own}) == len(own) else list(islice(cycle(PALETTE), len(own)))
        self._own = {column.name: colour for column, colour in zip(self._measures, distinct, strict=True)}
        self._styles = [_styles(_columns(panel.lines)) for panel in panels]
        self._panels = panels

    def of(self, panel: Panel, line: Line) -> dict[str, Any]:
        """Return how a line is drawn: colour, line style, marker."""
        index = self._panels.index(panel)
        first = line.column.name == panel.left[0].column.name
        marker = self._markers[line.label] if first and line.x.size <= _MARKED else None
        return {
            "color": self.colour(line),
            "linestyle": self._styles[index][line.column.name],
            "marker": marker,
            "markersize": 2.6,
            "linewidth": 1.3,
        }

    def colour(self, line: Line) -> str:
        """Return a line's colour: of its label, or of its measure where there is one label only."""
        return self._colours[line.label] if self._grouped else self._own[line.column.name]

    def axis_colour(self, lines: Sequence[Line]) -> str:
        """Return the colour of a y axis: that of its lines where they share it and only they have it."""
        return "black" if self._grouped or len(_columns(lines)) > 1 else self.colour(lines[0])

    def handles(self, legend_title: str) -> list[Any]:
        """Return what the legend has of labels and of measures."""
        handles: list[Any] = []
        lines = [line for panel in self._panels for line in panel.lines]
        counts = {label: _counted([line for line in lines if line.label == label]) for label in self._labels}
        apart = len({*counts.values()}) > 1
        if self._grouped:
            for label in self._labels:
                text = f"{legend_title} {label}" if legend_title else label
                if apart:
                    text += f" (n = {counts[label]})"
                of_label = (line for panel in self._panels for line in panel.lines if line.label == label)
                marked = any(line.x.size <= _MARKED for line in of_label)
                colour, marker = self._colours[label], self._markers[label] if marked else None
                handles.append(Line2D([], [], label=text, color=colour, marker=marker, markersize=3.5))
        shown: dict[str, Line2D] = {}
        for panel, styles in zip(self._panels, self._styles, strict=True):
            columns = _columns(panel.lines)
            if self._grouped and len(columns) == 1:
                continue
            for column in columns:
                side = f", {'left' if column in _columns(panel.left) else 'right'} axis" if panel.right else ""
                colour = "#555555" if self._grouped else self._own[column.name]
                text, style = f"{column.label}{side}", styles[column.name]
                shown.setdefault(column.name, Line2D([], [], label=text, color=colour, linestyle=style, linewidth=1.3))
        return handles + list(shown.values())


def _counted(lines: Sequence[Line]) -> str:
    """Return over how many runs the points of lines are means, such as `3` or `2 to 3`."""
    counts = [int(n) for line in lines for n in line.n[np.isfinite(line.mean)]]
    low, high = min(counts, default=0), max(counts, default=0)
    return str(high) if low == high else f"{low} to {high}"


def _columns(lines: Iterable[Line]) -> list[Column]:
    """Return the measures of lines, each once."""
    found: dict[str, Column] = {}
    for line in lines:
        found.setdefault(line.column.name, line.column)
    return list(found.values())


def _styles(columns: Sequence[Column]) -> dict[str, Any]:
    """Return a line style for each measure of a panel; test accuracy is solid, training accuracy beside it dashed."""
    if len(columns) == 1:
        return {columns[0].name: "-"}
    styles = {column.name: _PREFERRED[column.name] for column in columns if column.name in _PREFERRED}
    free = cycle([style for style in _STYLES if style not in styles.values()])
    return {column.name: styles.get(column.name) or next(free) for column in columns}


def _draw_panel(
    panel: Panel, axes: Axes, looks: _Looks, band: Band, inches: float
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
        colour = looks.axis_colour(lines) if panel.right else "black"
        label = (panel.left_label if side == "left" else panel.right_label) or axis_label(_columns(lines))
        one.set_ylabel(label, fontsize=FONT, color=colour, parse_math=False)
        one.tick_params(axis="y", labelsize=FONT, length=2.5, which="both", colors=colour)
        one.spines["top"].set_visible(False)
    for place, _ in panel.marks:
        axes.axvline(place, **_MARK)
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
    places = sparsity_places(list(known)) if panel.x in ("sparsity", "remaining") else known
    if panel.x == "weights":
        places = np.where(known > 0, known, math.nan)  # none has no place on a logarithmic axis
    return {float(x): float(place) for x, place in zip(known, places, strict=True)}


def _set_x_axis(axes: Axes, panel: Panel, places: dict[float, float], inches: float) -> None:
    if panel.x in ("sparsity", "remaining"):
        at = np.array(list(places.values()))
        ends = max(places, default=0.0) >= 1
        set_sparsity_axis(axes, at, inches, ends_at_one=ends, remaining=panel.x == "remaining")
    elif panel.x == "weights":
        some = [place for place in places.values() if math.isfinite(place)] or [1.0]
        axes.set_xscale("log")
        axes.set_xlim(1.2 * max(some), min(some) / 1.2)
    else:
        low, high = min(places), max(places)
        margin = 0.03 * ((high - low) or 1.0)
        axes.set_xlim(low - margin, high + margin)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=panel.x in ("level", "epoch")))


def _share_y(alike: Sequence[Axes]) -> None:
    """Give axes the same y range and scale."""
    scale = "linear" if any(axes.get_yscale() == "linear" for axes in alike) else "log"
    limits = [axes.get_ylim() for axes in alike]
    for axes in alike:
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


def _band_handles(panels: Sequence[Panel], band: Band, over: str) -> list[Any]:
    """Return the legend's entries on the band and on how many runs a point is the mean of."""
    lines = [line for panel in panels for line in panel.lines]
    by_label = {_counted([line for line in lines if line.label == label]) for label in {line.label for line in lines}}
    if by_label == {"1"}:
        return [Line2D([], [], linestyle="none", label=f"each line: one {over.removesuffix('s')}")]
    number = f"n {over}" if len(by_label) > 1 else f"{by_label.pop()} {over}"
    if band == "none":
        return [Line2D([], [], linestyle="none", label=f"lines: mean over {number}")]
    meaning = "± 1 standard deviation" if band == "sd" else "95 % confidence interval"
    return [Patch(facecolor="#777777", alpha=0.3, label=f"line: mean over {number}\nband: {meaning}")]


def _phase_handles(panels: Sequence[Panel]) -> list[Any]:
    """Return the legend's entries on the shades of phases, of those that some panel has."""
    shaded = [panel.phases for panel in panels if panel.phases is not None and panel.phases.double_descent]
    names = [name for name in PHASE_SHADES if any(name in phases.names for phases in shaded)]
    return [
        Patch(facecolor=PHASE_SHADES[name], edgecolor="#BBBBBB", linewidth=0.4, label=f"{name} phase") for name in names
    ]


def _mark_handles(panels: Sequence[Panel]) -> list[Any]:
    """Return the legend's entries on marked places."""
    names = dict.fromkeys(name for panel in panels for _, name in panel.marks)
    return [Line2D([], [], label=name, **_MARK) for name in names]
