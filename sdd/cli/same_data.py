"""Between build and fit: whether data and checkpoint are those of the run that is gone on with; what the data are."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdd.cli.experiment import Experiment
from sdd.cli.parse import Request
from sdd.cli.teacher import Teacher
from sdd.errors import UserError
from sdd.runs.checkpoint_file import read_checkpoint
from sdd.runs.data_record import DataRecord, teaching_changes
from sdd.runs.folder import RunFolder
from sdd.runs.level_file import holds_weights
from sdd.runs.origin import check_origin
from sdd.runs.same_data import check_same_data, record_of, say_unknown
from sdd.runs.settings import DISTILL_FROM
from sdd.runs.trained_levels import TrainedLevels, masks_only


def checked_record(
    request: Request, experiment: Experiment, checkpoint: Path | None, teacher: Teacher | None = None
) -> DataRecord:
    """Return what the data are, once they are known to be those of the runs that this one goes on with.

    Args:
        request: What the command line asks for.
        experiment: Its parts, with data that are read.
        checkpoint: Of a run, that is gone on with or evaluated; None: nothing is trained yet.
        teacher: What a run learns from beside the labels, if anything.

    Raises:
        UserError: The data have changed since, at the same settings, or the checkpoint is of another run.
    """
    record, values = record_of(experiment.data), request.plan.settings.values
    if checkpoint is not None:
        folder = _run_of(checkpoint, request.folder)
        if folder.settings() is not None:
            content = read_checkpoint(checkpoint)
            check_origin(content, folder, checkpoint)
            if not holds_weights(content):
                raise UserError(masks_only(checkpoint))
        shared = request.command == "fit" and folder is not request.folder
        check_same_data(folder, record, values, "pruning.dense_from " if shared else "")
    source = experiment.pruning.source
    if isinstance(source, TrainedLevels):
        check_same_data(source.folder, record, values, "pruning.masks_from ")
    if teacher is not None:
        _check_teacher(teacher.run, record, values)
    return record


def _run_of(checkpoint: Path, asked: RunFolder) -> RunFolder:
    """Return the run whose folder a checkpoint is in, by the name that the user gave where it is the run asked for."""
    place = checkpoint.absolute().parents[1]
    return asked if asked.path.absolute() == place else RunFolder(place)


def _check_teacher(teacher: TrainedLevels, now: DataRecord, values: Mapping[str, Any]) -> None:
    """Find out whether a teacher was trained on the same images and classes; its labels may have other noise."""
    place, size = f"{DISTILL_FROM} {teacher.folder.path}", "data.image_size"
    then = teacher.folder.data_record()
    if then is None:
        say_unknown(place, teacher.folder)
        return
    found = teaching_changes(then, now)
    seen, shown = teacher.settings.get(size), values.get(size)
    if seen != shown:
        found.append(f"{size} {json.dumps(seen)}, here {json.dumps(shown)}")
    if found:
        raise UserError(
            f"{place} was trained on other data: {'; '.join(found)}; a teacher must know the same training images and "
            "classes: set the same data, or name another run"
        )
