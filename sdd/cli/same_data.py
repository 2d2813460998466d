"""Between build and fit: whether data and checkpoint are those of the run that is gone on with; what the data are."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdd.cli.claim import is_first_process
from sdd.cli.experiment import Experiment
from sdd.cli.parse import Request
from sdd.cli.teacher import Teacher
from sdd.console import say
from sdd.data import NoisyLabelData
from sdd.data.fingerprint import fingerprint, transition_counts
from sdd.errors import UserError
from sdd.runs.checkpoint_file import read_checkpoint
from sdd.runs.data_record import DataRecord, PartRecord, changes, comparable_parts, teaching_changes
from sdd.runs.folder import RunFolder
from sdd.runs.level_file import holds_weights
from sdd.runs.origin import check_origin
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
        _check(folder, record, values, "pruning.dense_from " if shared else "")
    source = experiment.pruning.source
    if isinstance(source, TrainedLevels):
        _check(source.folder, record, values, "pruning.masks_from ")
    if teacher is not None:
        _check_teacher(teacher.run, record, values)
    return record


def record_of(data: NoisyLabelData) -> DataRecord:
    """Return what the data are; they are read where they are not yet."""
    content = data.content
    parts = {}
    for name in data.parts:
        split = data.split(name)
        counts = transition_counts(split.true_labels, split.labels, content.num_classes)
        prints = map(fingerprint, (split.images, split.true_labels, split.labels))
        parts[name] = PartRecord(counts.tolist(), *prints)
    return DataRecord(parts, [float(value) for value in content.mean], [float(value) for value in content.std])


def _run_of(checkpoint: Path, asked: RunFolder) -> RunFolder:
    """Return the run whose folder a checkpoint is in, by the name that the user gave where it is the run asked for."""
    place = checkpoint.absolute().parents[1]
    return asked if asked.path.absolute() == place else RunFolder(place)


def _check(folder: RunFolder, now: DataRecord, values: Mapping[str, Any], setting: str) -> None:
    settings = folder.settings()
    if settings is None:
        return  # a checkpoint that lies somewhere else
    then = folder.data_record()
    if then is None:
        _say_unknown(f"{setting}{folder.path}", folder)
        return
    found = changes(then, now, comparable_parts(settings.values, values))
    if found:
        raise UserError(
            f"{setting}{folder.path} was started with other data: {'; '.join(found)}; put the data back as they were, "
            "or train anew in another folder"
        )


def _check_teacher(teacher: TrainedLevels, now: DataRecord, values: Mapping[str, Any]) -> None:
    """Find out whether a teacher was trained on the same images and classes; its labels may have other noise."""
    place, size = f"{DISTILL_FROM} {teacher.folder.path}", "data.image_size"
    then = teacher.folder.data_record()
    if then is None:
        _say_unknown(place, teacher.folder)
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


def _say_unknown(place: str, folder: RunFolder) -> None:
    if is_first_process():
        say(
            f"{place} has no {folder.data_file.name}, which has been removed or was not written by the version of its "
            "time: it is not known whether the data have changed since",
            error=True,
        )
