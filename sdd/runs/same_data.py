"""What the data of a run are as they were read and drawn, and whether they are those that it was started with."""

from collections.abc import Mapping
from typing import Any

from sdd.console import is_first_process, say
from sdd.data import NoisyLabelData
from sdd.data.fingerprint import fingerprint, transition_counts
from sdd.errors import UserError
from sdd.runs.data_record import DataRecord, PartRecord, changes, comparable_parts
from sdd.runs.folder import RunFolder


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


def check_same_data(folder: RunFolder, now: DataRecord, values: Mapping[str, Any], setting: str) -> None:
    """Find out whether data are those of a run.

    Args:
        folder: The run's.
        now: What the data are.
        values: Settings of the run that they are for, flat.
        setting: What names the run, for messages; with a space behind it, or empty.

    Raises:
        UserError: They have changed since that run was started, at the same settings.
    """
    settings = folder.settings()
    if settings is None:
        return  # a checkpoint that lies somewhere else
    then = folder.data_record()
    if then is None:
        say_unknown(f"{setting}{folder.path}", folder)
        return
    found = changes(then, now, comparable_parts(settings.values, values))
    if found:
        raise UserError(
            f"{setting}{folder.path} was started with other data: {'; '.join(found)}; put the data back as they were, "
            "or train anew in another folder"
        )


def say_unknown(place: str, folder: RunFolder) -> None:
    """Say that it is not known whether the data of a run have changed.

    Args:
        place: What names the run.
        folder: The run's.
    """
    if is_first_process():
        say(
            f"{place} has no {folder.data_file.name}, which has been removed or was not written by the version of its "
            "time: it is not known whether the data have changed since",
            error=True,
        )
