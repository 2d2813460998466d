"""A run on TensorBoard: its curve over what remains, in groups, its picture, and its levels as a table."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger

from sdd.analysis.curve import Row
from sdd.analysis.drawing import picture_pixels
from sdd.analysis.report_text import summary
from sdd.runs.folder import RunFolder
from sdd.tracking.run_scalars import BEST, run_scalars
from sdd.tracking.step_axis import PREFIX, STEPS_A_DECADE

_GROUPS = {
    "accuracy": ("test_acc", "train_acc", "best_test_acc"),
    "wrong labels": ("memorized", "recovered"),
    "learning distance": ("distance", "distance_init", "distance_start"),
}


def lay_out(logger: TensorBoardLogger) -> None:
    """Arrange the curves in the tab of custom scalars, over what remains.

    Args:
        logger: Of a run that begins.
    """
    charts = {name: ["Multiline", [f"{PREFIX}{measure}" for measure in names]] for name, names in _GROUPS.items()}
    title = f"remaining weights, dense at the left: step {STEPS_A_DECADE} is 10 %, {2 * STEPS_A_DECADE} is 1 %"
    logger.experiment.add_custom_scalars({title: charts})


def show(
    logger: TensorBoardLogger, folder: RunFolder, rows: Sequence[Row], verdict: Mapping[str, Any], step: int
) -> None:
    """Show the picture, the table of all levels and the verdict of a finished run.

    Args:
        logger: Of the run.
        folder: The run's.
        rows: All levels.
        verdict: As in `summary.json`.
        step: Optimizer steps at the end.
    """
    writer = logger.experiment
    if folder.picture.is_file():
        writer.add_image("curve", picture_pixels(folder.picture), step, dataformats="HWC")
    writer.add_text("levels", level_table(rows), step)
    writer.add_text("verdict", textwrap.indent(summary(rows, verdict), "    "), step)
    if BEST in (found := run_scalars(rows)):
        logger.log_metrics({"hp_metric": found[BEST]}, step)  # what the tab of hyperparameters compares runs by
    writer.flush()


def level_table(rows: Sequence[Row]) -> str:
    """Return the rows of levels as a table in Markdown; what a level lacks is an empty cell."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[f"{row[name]:.6g}" if name in row else "" for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
