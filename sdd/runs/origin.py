"""Which run a file of weights is of: settings and data, held in the file, so that one of another run is found out."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sdd.errors import UserError
from sdd.runs.data_record import DataRecord
from sdd.runs.folder import RunFolder
from sdd.runs.settings import Settings, difference

ORIGIN = "run"
"""Name of the entry in checkpoints and files of levels."""

_SHOWN = 3


def origin_of(folder: RunFolder) -> dict[str, Any] | None:
    """Return what files of weights hold of the run in a folder; None where it has no settings, as one from Python.

    Args:
        folder: The run's.
    """
    settings, data = folder.settings(), folder.data_record()
    return None if settings is None else _origin(settings, data)


def check_origin(content: Mapping[str, Any], folder: RunFolder, file: object) -> None:
    """Find out whether a file of weights was written by the run in whose folder it lies.

    Args:
        content: Of the file; versions that wrote no origin are trusted.
        folder: The run's; without settings, nothing is compared.
        file: The file's path, for messages.

    Raises:
        UserError: Another run wrote it: one of other settings or of other data.
    """
    held, own = content.get(ORIGIN), origin_of(folder)
    if held is None or own is None:
        return
    found = _differences(held, own, file, folder.data_file.name)
    if found:
        raise UserError(
            f"{file} was written by another run than {folder.settings_file}: {found}; put the run's own file back, or "
            "remove this one"
        )


def check_start(content: Mapping[str, Any], settings: Settings, data: DataRecord, file: object) -> None:
    """Find out whether a run that goes on in a folder without one is that which wrote the file that it goes on from.

    Args:
        content: Of the file.
        settings: Of the run.
        data: What its data are.
        file: The file's path, for messages.

    Raises:
        UserError: Another run wrote it, or it does not say which did.
    """
    if content.get(ORIGIN) is None:
        raise UserError(f"{file} does not say which run wrote it: go on from it in that run's own folder")
    found = _differences(_origin(settings, data), content[ORIGIN], file, "this run")
    if found:
        raise UserError(f"{file} was written by another run: {found}; go on from one of this run's, or start it anew")


def _origin(settings: Settings, data: DataRecord | None) -> dict[str, Any]:
    digest = None if data is None else hashlib.sha256(data.text().encode()).hexdigest()
    return {"settings": settings.content(), "data": digest}


def _differences(held: Mapping[str, Any], own: Mapping[str, Any], file: object, data: str) -> str:
    """Return in what the run `held` differs from `own`, as words: what it is now, and was there; empty: in nothing."""
    then, now = (Settings.of_content(one["settings"], file) for one in (held, own))
    found = list(difference(now, then).conflicts)
    if not found and None not in (held["data"], own["data"]) and held["data"] != own["data"]:
        found = [f"its data are not those of {data}"]
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more
