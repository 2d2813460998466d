"""The curve in a logger: each level's row once, what remains as axis, and picture, table and verdict at the end."""

from collections.abc import Mapping, Sequence
from typing import Any

from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger

from sdd.analysis.curve import Row
from sdd.runs.folder import RunFolder
from sdd.tracking import mlflow_run, tensorboard_run, wandb_curve
from sdd.tracking.run_scalars import level_scalars
from sdd.tracking.step_axis import over_remaining, step_of


class CurveLog:
    """Sends a run's rows to one logger.

    A resumed W&B run holds rows already; those are not sent again. What it lacks is: rows of a process
    that was killed before they left the machine, and rows that come from another run.

    Args:
        logger: Any of Lightning's.
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._axes = wandb_curve.Axes(logger) if isinstance(logger, WandbLogger) else None
        self._last_known = -1 if self._axes is None else self._axes.last_level()
        self._rows: list[Row] = []
        self._step: int | None = None
        if isinstance(logger, TensorBoardLogger):
            tensorboard_run.lay_out(logger)

    def send(self, row: Row, step: int | None = None, added: Sequence[str] = ()) -> None:
        """Send a level's row under the names of its columns, unless the logger has it, and the `level_scalars`.

        Args:
            row: Of the curve; rows come in the order of the levels, whether the logger has them or not.
            step: Optimizer steps at the level's end; None where that is not known.
            added: Names in it that were measured later: they are sent alone, with the axes, where the logger has the
                level.
        """
        self._rows, self._step = [*self._rows, row], step
        known = row["level"] <= self._last_known
        if known and not added:
            return
        sent = {name: row[name] for name in (*wandb_curve.AXES, *added) if name in row} if known else dict(row)
        if not known:
            sent |= level_scalars(self._rows)
        if self._axes is not None:
            self._axes.define(sent)
        self._logger.log_metrics(sent, step=step)
        if isinstance(self._logger, MLFlowLogger | TensorBoardLogger):
            self._logger.log_metrics(over_remaining(sent), step=step_of(self._rows))
        if self._axes is not None:
            self._axes.summarise(self._rows)
        self._last_known = max(self._last_known, int(row["level"]))

    def finish(self, folder: RunFolder, rows: Sequence[Row], verdict: Mapping[str, Any]) -> None:
        """Send the picture, the table of all levels and the verdict to a logger that has a place for them.

        Args:
            folder: The run's.
            rows: All levels.
            verdict: As in `summary.json`.
        """
        if isinstance(self._logger, WandbLogger):
            wandb_curve.show(self._logger, folder, rows, verdict)
        elif isinstance(self._logger, TensorBoardLogger):
            tensorboard_run.show(self._logger, folder, rows, verdict, self._step or 0)
        elif isinstance(self._logger, MLFlowLogger):
            mlflow_run.show(self._logger, folder, rows, verdict, self._step or 0)
