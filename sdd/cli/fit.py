"""Last step of `fit`: train a run that is claimed and built, from its newest checkpoint on."""

from collections.abc import Sequence

from sdd.callbacks.time_limit import TimeLimit
from sdd.cli.claim import Claim, held, is_first_process
from sdd.cli.disk import check_room
from sdd.cli.experiment import Experiment
from sdd.cli.parse import Request
from sdd.cli.training import train
from sdd.console import say
from sdd.errors import StoppedError
from sdd.runs.checkpoint_file import check_content, read_checkpoint, write_checkpoint
from sdd.runs.data_record import DataRecord
from sdd.runs.level_file import KeepLevels, kept_of
from sdd.runs.noise_text import noise_lines
from sdd.runs.origin import ORIGIN, check_origin, origin_of
from sdd.runs.start import write_start
from sdd.tracking.loggers import RunLoggers


def fit(request: Request, claimed: Claim, experiment: Experiment, record: DataRecord, loggers: RunLoggers) -> bool:
    """Train all levels that are left.

    Args:
        request: What the command line asks for.
        claimed: The run in its folder.
        experiment: Its parts.
        record: What its data are.
        loggers: What its loggers are told.

    Returns:
        True; False where another process works in the folder, or has done so since it was claimed.

    Raises:
        KeyboardInterrupt: The training was interrupted or asked to end; everything is put away.
        StoppedError: It was stopped before the last level's end.
        LostFolderError: The folder has been deleted, moved or replaced meanwhile.
    """
    with held(request) as mine:
        if not mine:
            return False
        if is_first_process():
            folder = request.folder
            if folder.finished != claimed.finished or tuple(folder.checkpoints()) != claimed.checkpoints:
                return False
            folder.check_settings(request.plan.settings)  # another command may have claimed it meanwhile
            folder.remove_parts()
            if not claimed.finished:
                check_room(request, experiment)
            _note_start(request, claimed, record, experiment.data.content.classes, loggers)
            _take_dense_level(request, claimed)
        for logger in experiment.trainer.loggers:
            loggers.start(logger)
        _train(request, experiment, claimed)
        _check_complete(request, experiment)
        if is_first_process():
            request.folder.write_config(request.text, request.plan.settings)  # with what was measured later
            for damage in request.folder.damaged_tables():
                say(f"{request.folder.path}: {damage}; it was not written anew, as it is not measured now", error=True)
    return True


def _train(request: Request, experiment: Experiment, claimed: Claim) -> None:
    options = experiment.options | {"ckpt_path": claimed.checkpoint}
    try:
        train(experiment.trainer, experiment.model, experiment.data, options, trial=False)
    except Exception:
        request.folder.check_there()  # where it is gone, that is why
        raise


def _take_dense_level(request: Request, claimed: Claim) -> None:
    """Keep the dense level that a new run begins with, if it is another run's, beside those that are to come."""
    keep: KeepLevels = request.config.checkpoint.keep_levels
    if claimed.dense is None or keep is False:
        return
    folder, level = request.folder, claimed.dense.level_checkpoint(0)
    if not level.is_file():
        return
    content = read_checkpoint(level)
    check_content(level, content)
    check_origin(content, claimed.dense, level)
    kept = kept_of(content, 0, keep, request.config.checkpoint.level_precision)
    if kept is not None:  # it is this run's level from now on, as whoever reads it asks
        write_checkpoint(folder.level_checkpoint(0), {**kept, ORIGIN: origin_of(folder)})


def _check_complete(request: Request, experiment: Experiment) -> None:
    """Say that a run has ended early, and why."""
    trainer, pruning = experiment.trainer, experiment.pruning
    if pruning.complete:
        return
    limits = [callback for callback in trainer.callbacks if isinstance(callback, TimeLimit)]  # type: ignore[attr-defined]
    reached = any(limit.reached for limit in limits)
    why = "trainer.max_time is over" if reached else "a callback has set trainer.should_stop"
    raise StoppedError(
        f"{request.folder.path} has stopped in level {pruning.level} of {pruning.last_level}, after "
        f"{trainer.current_epoch} of {trainer.max_epochs} epochs, since {why}; the same command goes on from there"
    )


def _note_start(
    request: Request, claimed: Claim, record: DataRecord, classes: Sequence[str] | None, loggers: RunLoggers
) -> None:
    """Write what the run is and what it is computed with, and say from where it goes on."""
    folder = request.folder
    write_start(
        folder,
        request.text,
        request.plan.settings,
        record,
        resumed=claimed.checkpoint is not None,
        finished=claimed.finished,
        note=loggers.note(),
    )
    loggers.set_aside_offline()
    if claimed.finished:
        say(f"{folder.path} is finished; its stored levels are measured where they lack something", error=True)
    elif claimed.checkpoint is not None:
        say(f"{folder.path}: going on from {claimed.checkpoint.name}", error=True)
    say("\n".join(noise_lines(record, classes)))
