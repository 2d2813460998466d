"""What is written where a run starts or goes on: its settings, what its data are, and what it is computed with."""

from collections.abc import Mapping
from typing import Any

from sdd.console import say
from sdd.runs.data_record import DataRecord
from sdd.runs.environment import environment
from sdd.runs.folder import RunFolder
from sdd.runs.settings import Settings


def write_start(
    folder: RunFolder,
    text: str,
    settings: Settings,
    record: DataRecord,
    *,
    resumed: bool,
    finished: bool = False,
    note: Mapping[str, Any] | None = None,
) -> None:
    """Write what a run is and what it is computed with; say what has changed since its first start.

    Args:
        folder: The run's, held by this process.
        text: Its configuration.
        settings: It is told by.
        record: What its data are.
        resumed: Whether it goes on from a checkpoint.
        finished: Whether it is only measured more, so that its configuration is written at the end.
        note: What else is kept of its environment, such as names of loggers.
    """
    before, now = folder.environment(), environment()
    if not finished:
        folder.write_config(text, settings)
    changed = [
        f"{name} {before[name]} is now {value}" for name, value in now.items() if before.get(name, value) != value
    ]
    if changed:
        say(f"{folder.path} was started elsewhere ({', '.join(changed)}): the last bits may differ", error=True)
    folder.write_environment({**now, **before, **(note or {})})
    if not resumed or not folder.data_file.is_file():
        folder.write_data_record(record)
