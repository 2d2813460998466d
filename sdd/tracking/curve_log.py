"""The curve in a logger: each level's row once, `sparsity` as axis, picture, table and verdict at the end."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger, WandbLogger
from tqdm import tqdm

from sdd.analysis.curve import Row
from sdd.messages import one_line
from sdd.runs.folder import RunFolder


class CurveLog:
    """Sends a run's rows to one logger.

    A resumed W&B run holds rows already; those are not sent again. What it lacks is: rows of a process
    that was killed before they left the machine, and rows that come from another run.

    Args:
        logger: Any of Lightning's.
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._defined: set[str] = set()
        self._last_known = -1
        if isinstance(logger, WandbLogger):
            self._last_known = int(logger.experiment.summary.get("level", -1))

    def send(self, row: Row, step: int | None = None, added: Sequence[str] = ()) -> None:
        """Send a level's row under the names of its columns, unless the logger has it.

        Args:
            row: Of the curve.
            step: Optimizer steps at the level's end; None where that is not known.
            added: Names in it that were measured later: they are sent alone, with the sparsity, where the logger has
                the level.
        """
        known = row["level"] <= self._last_known
        if known and not added:
            return
        if known:
            row = {name: row[name] for name in ("sparsity", *added)}
        if isinstance(self._logger, WandbLogger):
            for name in row.keys() - self._defined:
                # W&B lets an exact name win over every pattern, WandbLogger's own included.
                axis = {} if name == "sparsity" else {"step_metric": "sparsity"}
                self._logger.experiment.define_metric(name, **axis)
        self._logger.log_metrics(dict(row), step=step)
        self._defined |= row.keys()
        self._last_known = int(row.get("level", self._last_known))

    def finish(self, folder: RunFolder, rows: Sequence[Row], verdict: Mapping[str, Any]) -> None:
        """Send W&B the picture, the table of all levels, and depth, gain, trough, peak and verdict as summary."""
        if not isinstance(self._logger, WandbLogger):
            return
        from wandb.errors import Error

        run = self._logger.experiment
        run.summary.update(verdict)
        if folder.picture.is_file():
            self._logger.log_image("curve", [str(folder.picture)])
        columns = list(dict.fromkeys(name for row in rows for name in row))
        try:
            self._logger.log_table("levels", columns, [[row.get(name) for name in columns] for row in rows])
        except Error as error:  # of all that is logged, a table alone asks the server and waits for its answer
            tqdm.write(
                f"W&B did not take the table of levels: {one_line(str(error))}; if the rest does not arrive either: "
                f"wandb sync --no-skip-online {Path(run.dir).parent}"
            )
