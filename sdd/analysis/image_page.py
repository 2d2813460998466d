"""A page of images with their labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from sdd.analysis.drawing import write_figure
from sdd.termination import interrupts_held

_COLUMNS = 10
_WRONG = "#B4004E"


@interrupts_held()
def draw_images(
    images: npt.NDArray[np.uint8], titles: Sequence[str], wrong: Sequence[bool], path: Path, *, columns: int = _COLUMNS
) -> None:
    """Write a page of images, each below its title.

    Args:
        images: uint8 of shape [N, C, height, width]; of other numbers of channels than 3 the first is shown.
        titles: [N].
        wrong: Which of them are written in red, [N].
        path: File to write, in one step; its suffix is one of matplotlib's formats.
        columns: Images in a row.

    Raises:
        OSError: The file could not be written.
    """
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(columns * 0.95, rows * 1.15), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image, title, is_wrong in zip(grid.flat, images, titles, wrong, strict=False):
        shown = image.transpose(1, 2, 0) if len(image) == 3 else image[0]
        largest = None if len(image) == 3 else max(int(images[:, 0].max()), 1)  # digits go up to 16 alone
        axes.imshow(shown, cmap="gray", vmin=0, vmax=largest, interpolation="nearest")
        axes.set_title(title, fontsize=6, color=_WRONG if is_wrong else "black", pad=2, parse_math=False, wrap=True)
    write_figure(figure, path, 150)
