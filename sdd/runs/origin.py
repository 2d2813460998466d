"""Which run a file of weights is of: settings and data, held in the file, so that one of another run is found out."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sdd.errors import UserError
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
    if settings is None:
        return None
    digest = None if data is None else hashlib.sha256(data.text().encode()).hexdigest()
    return {"settings": settings.content(), "data": digest}


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
    then, now = (Settings.of_content(one["settings"], file) for one in (held, own))
    found = list(difference(now, then).conflicts)
    if not found and None not in (held["data"], own["data"]) and held["data"] != own["data"]:
        found = [f"its data are not those of {folder.data_file.name}"]
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise UserError(
            f"{file} was written by another run than {folder.settings_file}: {'; '.join(found[:_SHOWN])}{more}; put "
            "the run's own file back, or remove this one"
        )
