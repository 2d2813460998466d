"""Loss and accuracy on the straight path between trained levels, read back and as a picture."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from sdd.analysis.drawing import FONT, plain_axes, scale_for, write_figure
from sdd.errors import UserError
from sdd.files import read_table
from sdd.termination import interrupts_held

Row = dict[str, float | int]

_PANELS = {
    "train_acc": "training accuracy (%)",
    "test_acc": "test accuracy (%)",
    "train_loss": "training loss",
    "test_loss": "test loss",
}
_FEW = 6


def read_paths(path: str | os.PathLike[str]) -> list[Row]:
    """Read `interpolation.csv`: `alpha` and measures, and `level` and `sparsity` where it has the levels of a run.

    Raises:
        UserError: It cannot be read or is damaged; the message names the line.
    """
    rows = read_table(Path(path))
    if not all("alpha" in row for row in rows):
        raise UserError(f"{path}, line 1: it has no column alpha")
    return rows


@interrupts_held()
def draw_paths(
    rows: Sequence[Mapping[str, float | int]], path: Path, *, ends: tuple[str, str], title: str = ""
) -> None:
    """Write the picture of `path_figure`.

    Args:
        rows: As there.
        path: File to write, in one step; its suffix is one of matplotlib's formats.
        ends: As there.
        title: Above the picture.

    Raises:
        OSError: The file could not be written.
    """
    write_figure(path_figure(rows, ends=ends, title=title), path, 200)


def path_figure(rows: Sequence[Mapping[str, float | int]], *, ends: tuple[str, str], title: str = "") -> Figure:
    """Return accuracy and loss of training and test data over α, a line for each path; it belongs to no pyplot state.

    Args:
        rows: Of `interpolation.csv`. Up to six levels are named in a legend, more have colours by level.
        ends: What α = 0 and α = 1 are.
        title: Above the picture.
    """
    levels = sorted({int(row.get("level", 0)) for row in rows})
    named = all("level" in row for row in rows)
    figure = Figure(figsize=(6.0, 4.4), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True).flatten()
    norm = Normalize(levels[0], max(levels[-1], levels[0] + 1))
    colours = mpl.colormaps["viridis"]
    for axes, (name, label) in zip(panels, _PANELS.items(), strict=True):
        factor = 100 if name.endswith("_acc") else 1
        if factor == 1:
            scale_for(axes, np.array([row[name] for row in rows], float))
        for level in levels:
            of_level = [row for row in rows if row.get("level", 0) == level]
            sparsity = float(of_level[0].get("sparsity", math.nan))
            axes.plot(
                [row["alpha"] for row in of_level],
                [factor * row[name] for row in of_level],
                color=colours(norm(level)) if named else "#0072B2",
                linewidth=1.2,
                label=f"level {level}, sparsity {100 * sparsity:.4g} %",
            )
        axes.set_ylabel(label, fontsize=FONT)
        plain_axes(axes)
    for axes in panels[2:]:
        axes.set_xlabel(f"α, from {ends[0]} (0) to {ends[1]} (1)", fontsize=FONT, parse_math=False)
    if named and len(levels) <= _FEW:
        figure.legend(*panels[0].get_legend_handles_labels(), fontsize=FONT, ncols=2, loc="outside lower center")
    elif named:
        bar = figure.colorbar(ScalarMappable(norm, colours), ax=list(panels), shrink=0.8)
        bar.set_label("level", fontsize=FONT)
        bar.ax.tick_params(labelsize=FONT)
    if title:
        figure.suptitle(title, fontsize=FONT + 1, parse_math=False)
    return figure
