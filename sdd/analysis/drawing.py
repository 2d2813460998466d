"""Common parts of pictures of curves: axis of what remains, shades of the phases, fonts, and how files are written."""

import io
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import image
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullFormatter
from numpy.typing import NDArray

from sdd.analysis.phases import PHASES, Phases
from sdd.files import write_atomically
from sdd.termination import interrupts_held

Floats = NDArray[np.float64]

FONT = 7.0
PHASE_SHADES = {"light": "#FFFFFF", "critical": "#F6D9CC", "sweet": "#D5EBDD", "collapsed": "#E2E2E2"}

_INCHES_PER_CHARACTER = 0.6 * FONT / 72
_WIDE = 20.0
_DECADES, _SMALLEST_PLAIN, _LARGEST_PLAIN, _MOST_TICKS = 1000.0, 1e-5, 1e6, 20
# What would tell when a file was written, by format.
_UNDATED: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
_QUICK = {"compress_level": 1}  # a tenth larger than the usual 6, and written in half the time


@interrupts_held()
def write_figure(figure: Figure, path: Path, dots_per_inch: int) -> None:
    """Write a figure in one step, in the format of the path's suffix; the same picture is the same file.

    Letters of a PDF are those of a font, not drawings, as publishers ask for.

    Raises:
        OSError: It could not be written; the old file is as it was.
    """
    content, form = io.BytesIO(), path.suffix.removeprefix(".")
    with mpl.rc_context({"svg.hashsalt": "sdd", "pdf.fonttype": 42}):
        options = {"pil_kwargs": _QUICK} if form == "png" else {"metadata": _UNDATED.get(form)}
        figure.savefig(content, format=form, dpi=dots_per_inch, **options)
    write_atomically(path, content.getvalue())


def picture_pixels(path: Path) -> NDArray[np.uint8]:
    """Return the pixels of a PNG file, uint8 of shape [H, W, 3].

    Raises:
        OSError: It cannot be read.
    """
    pixels = np.rint(255 * image.imread(path)[..., :3])
    return np.asarray(pixels, np.uint8)


def plain_axes(axes: Axes) -> None:
    """Give axes small ticks, and no frame above and at the right."""
    axes.tick_params(labelsize=FONT, length=2.5, which="both")
    axes.spines[["top", "right"]].set_visible(False)


def legend_below(figure: Figure, handles: Sequence[Any], labels: Sequence[str] | None = None, **options: Any) -> None:
    """Give a figure a legend below its axes, whose texts are shown as they are, signs of mathematics too."""
    named = {} if labels is None else {"labels": labels}
    legend = figure.legend(
        handles=handles, loc="outside lower center", fontsize=FONT, frameon=False, **named, **options
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def draw_line(axes: Axes, x: Floats, mean: Floats, spread: Floats | None = None, **style: Any) -> None:
    """Draw a line, without gaps where values are missing, in a band of one standard deviation where there is one.

    Args:
        axes: Its y axis may be logarithmic already.
        x: Places, [points].
        mean: [points].
        spread: Standard deviation, [points].
        style: Of the line, `color` among it.
    """
    keep = np.isfinite(mean)
    x, mean = x[keep], mean[keep]
    axes.plot(x, mean, **style)
    if spread is None:
        return
    low, high = mean - spread[keep], mean + spread[keep]
    if axes.get_yscale() == "log" and mean.size:
        low = np.maximum(low, mean.min() / 3)
    axes.fill_between(x, low, high, color=style["color"], alpha=0.22, linewidth=0)


def scale_for(axes: Axes, values: Floats) -> None:
    """Make the y axis logarithmic where all values, [...], are positive and span more than a factor of 20.

    It is labelled by powers of ten, and at 1, 2 and 5 of each while it shows less than three decades.
    """
    if is_wide(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(_LogTicks())
        axes.yaxis.set_major_formatter(_LogLabels(minor_thresholds=(np.inf, np.inf)))  # of every tick
        axes.yaxis.set_minor_formatter(NullFormatter())


class _LogTicks(LogLocator):
    """Ticks of powers of ten, as many as find room; of 1, 2 and 5 of each on an axis of less than three decades."""

    def __init__(self) -> None:
        super().__init__()
        self._fine = LogLocator(subs=(1.0, 2.0, 5.0), numticks=_MOST_TICKS)

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the ticks between two limits; matplotlib asks for those of the view."""
        low, high = sorted((vmin, vmax))
        few = 0 < low < high < _DECADES * low
        return self._fine.tick_values(vmin, vmax) if few else super().tick_values(vmin, vmax)


class _LogLabels(LogFormatterSciNotation):
    """Plain numbers on an axis of less than three decades where they are short, else powers of ten."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the label of a tick."""
        assert self.axis is not None
        low, high = sorted(self.axis.get_view_interval())
        if low > 0 and high < _DECADES * low and low > _SMALLEST_PLAIN and high < _LARGEST_PLAIN:
            return f"{x:g}"
        return str(super().__call__(x, pos))


def is_wide(values: Floats) -> bool:
    """Tell whether all finite ones of some values, [...], are positive and span more than a factor of 20."""
    present = values[np.isfinite(values)]
    return bool(present.size and present.min() > 0 and present.max() > _WIDE * present.min())


REMAINING_LABEL = "remaining weights (%)"
"""Of an axis of what remains."""


def sparsity_places(sparsity: Sequence[float]) -> Floats:
    """Return the `remaining_places` of levels by their sparsity, [levels]."""
    return remaining_places(1 - np.array(sparsity, float))


def remaining_places(fractions: Sequence[float] | Floats) -> Floats:
    """Return each level's place on the axis, −log10 of the fraction of weights that remains, [levels]; dense is 0."""
    remaining = np.array(fractions, float)
    some = remaining > 0
    places = np.full(remaining.shape, math.nan)
    places[some] = -np.log10(remaining[some]) + 0.0
    places[remaining <= 0] = max(places[some], default=0.0) + 0.5
    return places


def set_remaining_axis(
    axes: Axes, places: Floats, inches: float, *, ends_at_none: bool = False, sparsity: bool = False
) -> None:
    """Label an axis of `remaining_places` with what remains, or with sparsities, in percent, as many as fit.

    Args:
        axes: Its x axis is set.
        places: Those of the levels, [levels].
        inches: About how wide the axis is.
        ends_at_none: The last place is that of a level with no weight remaining.
        sparsity: Whether labels say which part of the weights is removed, and not which remains.
    """
    finite = places[np.isfinite(places)]
    end = float(finite.max(initial=0.0))
    span = max(end, 0.1)
    axes.set_xlim(-0.03 * span, 1.03 * span)
    taken: list[tuple[float, float]] = []
    ticks: list[tuple[float, str]] = []
    wanted = [
        (-math.log10(fraction) + 0.0, f"{100 * (1 - fraction if sparsity else fraction):.8g}")
        for fraction in _tick_fractions(end)
    ]
    if ends_at_none:
        rest = finite[finite < end]
        last = float(rest.max(initial=0.0))
        wanted = [(end, "100" if sparsity else "0"), *(tick for tick in wanted if tick[0] <= last)]
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


def shade_phases(panels: Sequence[Axes], places: Floats, phases: Phases, inches: float, *, named: bool = True) -> None:
    """Shade the phases in some panels, and name those that are wide enough above the first.

    Args:
        panels: Of one axis of what remains.
        places: Those of the levels of `phases`, [levels].
        phases: Of a curve with a double descent.
        inches: About how wide the axis is.
        named: Whether the names are written.
    """
    low, high = panels[0].get_xlim()
    edges, names = [low], []
    for name in PHASES:
        pairs = zip(places, phases.names, strict=True)
        inside = [place for place, other in pairs if other == name and np.isfinite(place)]
        if inside:
            names.append(name)
            edges.append(float(inside[-1]))
    edges[-1] = high
    bands = list(zip(names, pairwise(edges), strict=True))
    for axes in panels:
        for name, (start, end) in bands:
            axes.axvspan(start, end, color=PHASE_SHADES[name], linewidth=0, zorder=0)
    if not named:
        return
    for name, centre in _names_over(bands, low, high, inches):
        panels[0].text(
            centre,
            1.01,
            name,
            transform=panels[0].get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=FONT,
        )


def _names_over(
    bands: Sequence[tuple[str, tuple[float, float]]], low: float, high: float, inches: float
) -> list[tuple[str, float]]:
    """Return names and where they stand; one whose band is so narrow that a name would leave its own is left out."""
    named = list(bands)
    while True:
        widths = [(len(name) + 1) * _INCHES_PER_CHARACTER * (high - low) / inches for name, _ in named]
        places = _apart([(start + end) / 2 for _, (start, end) in named], widths, low, high)
        astray = [band for place, band in zip(places, named, strict=True) if not band[1][0] <= place <= band[1][1]]
        if not astray:
            return [(name, place) for place, (name, _) in zip(places, named, strict=True)]
        named.remove(min(astray, key=lambda band: band[1][1] - band[1][0]))


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
