"""A run that `Trainer.fit` starts in Python: its folder is claimed and described as the command line does it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import ref

import lightning.pytorch as pl

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.configuration import Configuration, codes, configuration
from sdd.callbacks.curve_recorder import CurveRecorder
from sdd.console import say
from sdd.errors import UserError
from sdd.locks import holds
from sdd.models.state import digest_of, state_of
from sdd.module import Classifier
from sdd.places import resolved
from sdd.runs.checkpoint_file import read_checkpoint
from sdd.runs.folder import RunFolder
from sdd.runs.noise_text import noise_lines
from sdd.runs.origin import check_origin, check_start
from sdd.runs.same_data import check_same_data, record_of
from sdd.runs.settings import CODE
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
    what = _as_left(folder, configuration(trainer, module))
    _check_settings(folder, what, trainer)
    with folder.owned():
        _check_settings(folder, what, trainer)  # another process may have claimed it meanwhile
        _start(folder, trainer, module, what)
        try:
            yield
        finally:
            _leave(folder, what)


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


def _start(folder: RunFolder, trainer: pl.Trainer, module: Classifier, what: Configuration) -> None:
    """Find out whether the run in a folder that is held may be trained, and write what it is."""
    checkpoint = None if trainer.ckpt_path is None else Path(trainer.ckpt_path)
    _check_state(folder, checkpoint)
    if checkpoint is None:
        _check_drawn(module)
    folder.remove_parts()
    data = data_of(trainer)
    record = record_of(data)
    if checkpoint is not None:
        content = read_checkpoint(checkpoint)
        if folder.settings() is None:
            check_start(content, what.settings, record, checkpoint)
        check_origin(content, folder, checkpoint)
        check_same_data(folder, record, what.settings.values, "")
    write_start(folder, what.text, what.settings, record, resumed=checkpoint is not None)
    if what.unknown:
        told = "; ".join(f"{name} ({words})" for name, words in what.unknown.items())
        say(f"{folder.path}: {folder.config.name} cannot repeat {told}", error=True)
    if checkpoint is not None:
        say(f"{folder.path}: going on from {checkpoint.name}", error=True)
    say("\n".join(noise_lines(record, data.content.classes)))


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


def _check_drawn(module: Classifier) -> None:
    """Find out whether a network has the first weights that its seed draws, and not those of an earlier training.

    Raises:
        UserError: It has others.
    """
    fresh = module.fresh_network(level=0)
    held = {id(parameter) for parameter in module.net.parameters()}
    if fresh is module.net or any(id(parameter) in held for parameter in fresh.parameters()):
        raise UserError(
            "what builds the network of Classifier returns one that was there before, whose weights its seed has not "
            "drawn: make the network within it, as in Classifier(lambda: MLP(64, [300, 100]), ...)"
        )
    ours, drawn = state_of(module.net), state_of(fresh)
    if digest_of(ours) != digest_of(drawn):
        raise UserError(
            f"the network of Classifier has not the weights that seed {module.seed} draws, since it was trained or "
            "changed before, or draws from elsewhere than PyTorch: make the Classifier anew, and set weights where the "
            "network is built"
        )


@dataclass(frozen=True)
class _Left:
    """How a run of this process left an object. Attributes: made: It. at_start: Its code at the run's start, at_end."""

    made: ref[Any]
    at_start: str
    at_end: str


_left: dict[tuple[str, str], _Left] = {}
"""How runs of this process left what tells them apart, by folder and setting: a callback may have counted."""


def _as_left(folder: RunFolder, what: Configuration) -> Configuration:
    """Return a configuration in which objects that are as this run has left them count as they were at its start."""
    held = {} if (settings := folder.settings()) is None else settings.chosen
    before: dict[str, Any] = {}
    for place, value in what.objects.items():
        key, left = f"{place}.{CODE}", _left.get((str(folder.path.absolute()), place))
        own = left is not None and left.made() is value and held.get(key) == left.at_start
        if left is not None and own and what.settings.chosen[key] == left.at_end:
            before[key] = left.at_start
    settings = what.settings
    chosen, values = {**settings.chosen, **before}, {**settings.values, **before}
    return replace(what, settings=replace(settings, chosen=chosen, values=values))


def _leave(folder: RunFolder, what: Configuration) -> None:
    """Note how a run leaves what tells it apart, so that the same objects can go on with it."""
    for place, value in what.objects.items():
        try:
            (at_end,) = codes({place: value}, what.known).values()
            left = _Left(ref(value), str(what.settings.chosen[f"{place}.{CODE}"]), at_end)
        except (UserError, TypeError):  # it cannot be told any more, or be referred to: then it must be made anew
            continue
        _left[str(folder.path.absolute()), place] = left
