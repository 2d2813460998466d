"""What tells the lines of panels apart: colours, markers, line styles, and the legend that says so.

Colours and markers tell the labels of lines apart, line styles the measures of a panel; where all lines have one label,
colours tell the measures apart.
"""

from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sdd.analysis.drawing import PHASE_SHADES
from sdd.analysis.panels import Band, Line, Panel, columns_in
from sdd.measures.columns import Column

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours of labels without an order, from Okabe and Ito: colour-blind readers tell them apart."""

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (3, 1, 1, 1)), (0, (6, 2)))
_PREFERRED: dict[str, Any] = {"test_acc": "-", "train_acc": "--"}
_MARKED = 45  # points above which a line has no markers
MARK: dict[str, Any] = {"color": "#555555", "linewidth": 0.8, "linestyle": ":"}


class Looks:
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
        self._measures = columns_in(line for panel in panels for line in panel.lines)
        own = [column.colour for column in self._measures]
        distinct = own if len({*own}) == len(own) else list(islice(cycle(PALETTE), len(own)))
        self._own = {column.name: colour for column, colour in zip(self._measures, distinct, strict=True)}
        self._styles = [_styles(columns_in(panel.lines)) for panel in panels]
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
        return "black" if self._grouped or len(columns_in(lines)) > 1 else self.colour(lines[0])

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
            columns = columns_in(panel.lines)
            if self._grouped and len(columns) == 1:
                continue
            for column in columns:
                side = f", {'left' if column in columns_in(panel.left) else 'right'} axis" if panel.right else ""
                colour = "#555555" if self._grouped else self._own[column.name]
                text, style = f"{column.label}{side}", styles[column.name]
                shown.setdefault(column.name, Line2D([], [], label=text, color=colour, linestyle=style, linewidth=1.3))
        return handles + list(shown.values())


def _counted(lines: Sequence[Line]) -> str:
    """Return over how many runs the points of lines are means, such as `3` or `2 to 3`."""
    counts = [int(n) for line in lines for n in line.n[np.isfinite(line.mean)]]
    low, high = min(counts, default=0), max(counts, default=0)
    return str(high) if low == high else f"{low} to {high}"


def _styles(columns: Sequence[Column]) -> dict[str, Any]:
    """Return a line style for each measure of a panel; test accuracy is solid, training accuracy beside it dashed."""
    if len(columns) == 1:
        return {columns[0].name: "-"}
    styles = {column.name: _PREFERRED[column.name] for column in columns if column.name in _PREFERRED}
    free = cycle([style for style in _STYLES if style not in styles.values()])
    return {column.name: styles.get(column.name) or next(free) for column in columns}


def band_handles(panels: Sequence[Panel], band: Band, over: str) -> list[Any]:
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


def phase_handles(panels: Sequence[Panel]) -> list[Any]:
    """Return the legend's entries on the shades of phases, of those that some panel has."""
    shaded = [panel.phases for panel in panels if panel.phases is not None and panel.phases.double_descent]
    names = [name for name in PHASE_SHADES if any(name in phases.names for phases in shaded)]
    return [
        Patch(facecolor=PHASE_SHADES[name], edgecolor="#BBBBBB", linewidth=0.4, label=f"{name} phase") for name in names
    ]


def mark_handles(panels: Sequence[Panel]) -> list[Any]:
    """Return the legend's entries on marked places."""
    names = dict.fromkeys(name for panel in panels for _, name in panel.marks)
    return [Line2D([], [], label=name, **MARK) for name in names]
