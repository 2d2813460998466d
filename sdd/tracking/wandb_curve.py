"""A run's curve on W&B: the axis of each metric, the run's summary, picture and table."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger
from tqdm import tqdm

from sdd.analysis.curve import Row
from sdd.messages import one_line
from sdd.runs.folder import RunFolder
from sdd.tracking.run_scalars import run_scalars

AXES = ("sparsity", "remaining_fraction")
"""Metrics that panels can have as x axis; the last one is where each metric of a level lies at first."""


class Axes:
    """Tells W&B what the metrics of levels are drawn over.

    Args:
        logger: Of the run.
    """

    def __init__(self, logger: WandbLogger) -> None:
        self._logger = logger
        self._defined: set[str] = set()

    def last_level(self) -> int:
        """Return the last level that the run on W&B has; −1 where it has none."""
        return int(self._logger.experiment.summary.get("level", -1))

    def define(self, names: Iterable[str]) -> None:
        """Define the axis of metrics of a level that have none yet; both axes are steps of their own."""
        for name in [name for name in names if name not in self._defined]:
            # W&B lets an exact name win over every pattern, WandbLogger's own included.
            axis = {} if name in AXES else {"step_metric": AXES[-1]}
            self._logger.experiment.define_metric(name, **axis)
            self._defined.add(name)

    def summarise(self, rows: Sequence[Row]) -> None:
        """Give the run's summary the `run_scalars` of its levels so far; of other metrics it has the last value."""
        self._logger.experiment.summary.update(run_scalars(rows))


def show(logger: WandbLogger, folder: RunFolder, rows: Sequence[Row], verdict: Mapping[str, Any]) -> None:
    """Send the picture, the table of all levels, and depth, gain, trough, peak and verdict as summary.

    Args:
        logger: Of the run.
        folder: The run's.
        rows: All levels.
        verdict: As in `summary.json`; a depth that is null there is 0 here, so that searches can maximise it.
    """
    from wandb.errors import Error

    run = logger.experiment
    run.summary.update({**verdict, **run_scalars(rows)})
    if folder.picture.is_file():
        logger.log_image("curve", [str(folder.picture)])
    columns = list(dict.fromkeys(name for row in rows for name in row))
    try:
        logger.log_table("levels", columns, [[row.get(name) for name in columns] for row in rows])
    except Error as error:  # of all that is logged, a table alone asks the server and waits for its answer
        tqdm.write(
            f"W&B did not take the table of levels: {one_line(str(error))}; if the rest does not arrive either: "
            f"wandb sync --no-skip-online {Path(run.dir).parent}"
        )
