"""A run that `Trainer.fit` starts in Python: its folder is claimed and described as the command line does it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lightning.pytorch as pl

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.configuration import Configuration, configuration
from sdd.callbacks.curve_recorder import CurveRecorder
from sdd.console import say
from sdd.errors import UserError
from sdd.locks import holds
from sdd.module import Classifier
from sdd.places import resolved
from sdd.runs.checkpoint_file import read_checkpoint
from sdd.runs.folder import RunFolder
from sdd.runs.noise_text import noise_lines
from sdd.runs.origin import check_origin
from sdd.runs.same_data import check_same_data, record_of
from sdd.runs.start import write_start


@contextmanager
def python_run(trainer: pl.Trainer, module: Classifier, dense_from: str | None) -> Iterator[None]:
    """Hold the folder of a run, and write what it is; nothing is done where the command line has done so.

    A Trainer without a `CurveRecorder` records no run, and needs no folder.

    Args:
        trainer: About to fit, its checkpoint read, if there is one.
        module: What it trains.
        dense_from: The setting `pruning.dense_from`.

    Raises:
        UserError: The folder holds a finished run, one of different settings or data, or something else; an unfinished
            one is not gone on with; or another process works in it.
    """
    folder = RunFolder(trainer.default_root_dir)
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    records = any(isinstance(one, CurveRecorder) for one in callbacks)
    if not (records and trainer.is_global_zero) or holds(folder.path):
        yield
        return
    if dense_from is not None:
        raise UserError("pruning.dense_from is read by sdd.fit and the command line only: leave it out")
    what = configuration(trainer, module)
    _check_settings(folder, what, trainer)
    with folder.owned():
        _check_settings(folder, what, trainer)  # another process may have claimed it meanwhile
        _start(folder, trainer, what)
        yield


def _check_settings(folder: RunFolder, what: Configuration, trainer: pl.Trainer) -> None:
    try:
        folder.check_settings(what.settings, _logs(folder, trainer))
    except UserError as error:
        raise UserError(str(error).replace("another --run_dir", "another default_root_dir of the Trainer")) from error


def _logs(folder: RunFolder, trainer: pl.Trainer) -> set[str]:
    """Return the names of what the Trainer's loggers have made in a folder before the run starts."""
    own = folder.path.absolute()
    places = {Path(place).absolute() for one in trainer.loggers for place in (one.log_dir,) if place}
    return {place.relative_to(own).parts[0] for place in places if place != own and place.is_relative_to(own)}


def _start(folder: RunFolder, trainer: pl.Trainer, what: Configuration) -> None:
    """Find out whether the run in a folder that is held may be trained, and write what it is."""
    checkpoint = None if trainer.ckpt_path is None else Path(trainer.ckpt_path)
    _check_state(folder, checkpoint)
    folder.remove_parts()
    record = record_of(data_of(trainer))
    if checkpoint is not None:
        if folder.settings() is not None:
            check_origin(read_checkpoint(checkpoint), folder, checkpoint)
        check_same_data(folder, record, what.settings.values, "")
    write_start(folder, what.text, what.settings, record, resumed=checkpoint is not None)
    if what.unknown:
        told = "; ".join(f"{name} ({words})" for name, words in what.unknown.items())
        say(f"{folder.path}: {folder.config.name} cannot repeat {told}", error=True)
    if checkpoint is not None:
        say(f"{folder.path}: going on from {checkpoint.name}", error=True)
    say("\n".join(noise_lines(record)))


def _check_state(folder: RunFolder, checkpoint: Path | None) -> None:
    """Refuse to overwrite what a run has trained.

    Args:
        folder: The run's, of these settings.
        checkpoint: That is gone on from; None: the training starts anew.

    Raises:
        UserError: The run is finished, damaged, or has checkpoints of which none was given.
    """
    state = folder.state()
    if state.name == "finished":
        raise UserError(
            f"{folder.path} holds a finished run of these settings, which is not trained again: read its "
            f"{folder.curve.name}, or choose another default_root_dir of the Trainer"
        )
    newest, damaged = folder.newest_checkpoint()
    for damage in damaged:
        say(damage, error=True)
    if state.name == "damaged" and newest is None:
        raise UserError(f"{folder.path} is damaged: {state.reason}; remove the folder to train the run again")
    if checkpoint is None and newest is not None:
        raise UserError(
            f"{folder.path} holds an unfinished run of these settings: go on with ckpt_path={str(newest)!r} for "
            "Trainer.fit, or choose another default_root_dir of the Trainer"
        )
    own = [resolved(path) for path in folder.checkpoints()]
    if checkpoint is not None and newest is not None and resolved(checkpoint) not in own:
        raise UserError(f"{checkpoint} is no checkpoint of the run in {folder.path}: go on from {newest}")
