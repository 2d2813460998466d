"""A run on MLflow: how it is named, where it is stored, and its files."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from lightning.pytorch.loggers import MLFlowLogger

from sdd.analysis.curve import Row
from sdd.runs.folder import RunFolder
from sdd.tracking.run_scalars import run_scalars

ALLOW_FILE_STORE = "MLFLOW_ALLOW_FILE_STORE"
"""Without it MLflow 3.17 and later refuses a store of files, which is Lightning's default: `./mlruns`."""


def settle(settings: Any, folder: RunFolder) -> None:
    """Name a run after its folder, and let it be stored in files where that was asked for.

    Args:
        settings: Arguments of the `MLFlowLogger`; what they leave open is filled in.
        folder: The run's.
    """
    settings.run_name = settings.run_name or folder.path.name
    settings.tags = {"run_dir": str(folder.path), **(settings.tags or {})}
    if not settings.tracking_uri or str(settings.tracking_uri).startswith("file:"):
        os.environ.setdefault(ALLOW_FILE_STORE, "true")


def begin(logger: MLFlowLogger) -> None:
    """Start the run on MLflow; of several that make their experiment at once, one does and the others find it.

    Args:
        logger: Of the run.
    """
    from mlflow.exceptions import MlflowException

    try:
        logger.run_id  # noqa: B018  # makes experiment and run where they are not there
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        logger.run_id  # noqa: B018


def show(logger: MLFlowLogger, folder: RunFolder, rows: Sequence[Row], verdict: Mapping[str, Any], step: int) -> None:
    """Store the picture, the table of levels and the verdict of a finished run, and its `run_scalars` as last metrics.

    Args:
        logger: Of the run.
        folder: The run's.
        rows: All levels.
        verdict: As in `summary.json`.
        step: Optimizer steps at the end.
    """
    client, run = logger.experiment, logger.run_id
    for path in (folder.picture, folder.curve):
        if path.is_file():
            client.log_artifact(run, str(path))
    columns = list(dict.fromkeys(name for row in rows for name in row))
    client.log_table(run, {name: [row.get(name) for row in rows] for name in columns}, "levels.json")
    client.log_dict(run, dict(verdict), "summary.json")
    logger.log_metrics(run_scalars(rows), step=step)
