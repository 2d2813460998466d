"""Before `fit` looks at a run: what of its small files is damaged is named, and written anew where that is possible."""

import os
from collections.abc import Callable
from functools import partial

from sdd.checksums import FILE as CHECKSUMS
from sdd.checksums import read_checksums
from sdd.cli.claim import held, is_first_process
from sdd.cli.parse import Request, plan
from sdd.console import say
from sdd.errors import DamagedError, UserError
from sdd.files import damage, read_text
from sdd.runs.environment import environment
from sdd.runs.folder import RunFolder


def mend(request: Request) -> None:
    """Write damaged settings anew from the run's own configuration, its environment as it is now; name what is damaged.

    Args:
        request: Of `fit`.

    Raises:
        UserError: The settings are damaged, and there is nothing to write them anew from.
    """
    folder = request.folder
    unguarded = _lacks_checksums(folder)
    if not (unguarded or any(map(_damage, _readings(folder)))) or not is_first_process():
        return
    with held(request) as mine:
        if not mine:
            return
        if unguarded:
            folder.renew_checksums()
            say(f"{folder.path} has no {CHECKSUMS}; it is written, of the files as they are", error=True)
        checksums, settings, started_with, data = map(_damage, _readings(folder))
        if checksums:
            folder.renew_checksums()
            say(f"{checksums}; it is written anew, of the files as they are", error=True)
            _, settings, started_with, data = map(_damage, _readings(folder))
        if settings:
            _mend_settings(folder, settings)
        if started_with:
            say(f"{started_with}; it is written anew, as of now", error=True)
            folder.write_environment(environment())
        if data:
            say(str(data), error=True)


def _lacks_checksums(folder: RunFolder) -> bool:
    """Tell whether nothing guards the tables of a finished run, and something can; one at work writes it by itself."""
    there = (folder.path / CHECKSUMS).exists()
    return folder.summary.is_file() and folder.settings_file.is_file() and not there and os.access(folder.path, os.W_OK)


def _readings(folder: RunFolder) -> tuple[Callable[[], object], ...]:
    """Return what reads the checksums, the settings, the environment, and the record of the data."""
    return partial(read_checksums, folder.path), folder.settings, folder.environment, partial(_read_data, folder)


def _read_data(folder: RunFolder) -> None:
    folder.data_record()
    if found := damage(folder.data_file):
        raise DamagedError(f"{folder.data_file.parent / found}")


def _damage(read: Callable[[], object]) -> DamagedError | None:
    try:
        read()
    except DamagedError as error:
        return error
    return None


def _mend_settings(folder: RunFolder, found: DamagedError) -> None:
    """Write the settings that the run's `config.yaml` has, unless another version of sdd may have read it otherwise."""
    try:
        read_text(folder.config)
        same_version = folder.environment().get("sdd") == environment()["sdd"]
        started = plan(["fit", "--config", str(folder.config)]).settings if same_version else None
    except UserError:
        started = None
    if started is None:
        raise UserError(f"{found}; it cannot be written anew from {folder.config.name}: train in another --run_dir")
    folder.write_settings(started)
    say(f"{found}; it is written anew from {folder.config.name}", error=True)
