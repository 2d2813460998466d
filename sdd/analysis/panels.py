"""Figures of several groups and measures, as data: lines, the panels that they stand in, the table of their numbers.

Who has numbers makes `Line`s and puts them into `Panel`s; `panel_drawing` makes a figure and files of them.
"""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import stats

from sdd.analysis.drawing import (
    Floats,
)
from sdd.analysis.phases import Phases
from sdd.measures.columns import Column
from sdd.messages import as_text

XKind = Literal["remaining_fraction", "sparsity", "weights", "level", "epoch", "alpha"]
Band = Literal["sd", "ci", "none"]

BANDS: tuple[Band, ...] = get_args(Band)

_CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Line:
    """One measure of one group over x: what a line and its band are drawn from.

    Attributes:
        label: Of the group, as the legend says it; lines of one label have one colour and marker in all panels.
        x: [points], in the order of the levels, epochs or steps: what the panel's axis shows, fractions as fractions.
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
        x: What the x axis shows. `sparsity` and `remaining_fraction` are logarithmic in the fraction of weights that
            remain, dense at the left; the level with none remaining stands half a decade right of the last. `weights`
            is how many remain, logarithmic, most at the left.
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


def numbers_table(panels: Sequence[Panel]) -> str:
    """Return the numbers of all lines as CSV text, a row a point: in the measures' own units, not in percent."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["panel", "line", "measure", "axis", "x", "mean", "sd", "n"])
    for number, panel in enumerate(panels, 1):
        for line in panel.lines:
            for x, mean, sd, n in zip(line.x, line.mean, line.sd, line.n, strict=True):
                if math.isfinite(mean):
                    spread = repr(float(sd)) if math.isfinite(sd) else ""
                    about = [*map(as_text, (panel.title or str(number), line.label, line.column.name)), panel.x]
                    writer.writerow([*about, repr(float(x)), repr(float(mean)), spread, int(n)])
    return text.getvalue()


def columns_in(lines: Iterable[Line]) -> list[Column]:
    """Return the measures of lines, each once."""
    found: dict[str, Column] = {}
    for line in lines:
        found.setdefault(line.column.name, line.column)
    return list(found.values())
