"""Before fit: whether there is room for what a run stores."""

import shutil

from sdd.callbacks import RunCheckpoint
from sdd.cli.experiment import Experiment
from sdd.cli.parse import Request
from sdd.console import say
from sdd.errors import UserError
from sdd.pruning.masks import count_prunable
from sdd.pruning.prunable import prunable_parameters
from sdd.runs.folder import RunFolder
from sdd.runs.storage import checkpoints_size, levels_size

_SAID = 100e6
"""Bytes from which on it is said how much a run stores."""

_GIGA = 1e9


def check_room(request: Request, experiment: Experiment) -> None:
    """Say how much disk space a run takes, where that is much, and find out whether there is as much.

    Args:
        request: Of `fit`.
        experiment: Its parts.

    Raises:
        UserError: There is less.
    """
    folder, pruning = request.folder, experiment.pruning
    kept = next(one for one in experiment.trainer.callbacks if isinstance(one, RunCheckpoint))  # type: ignore[attr-defined]
    state = experiment.model.net.state_dict()
    parameters = sum(value.numel() for value in state.values())
    prunable = count_prunable(prunable_parameters(experiment.model.net, pruning.exclude))
    levels = levels_size(parameters, prunable, pruning.surviving(prunable), kept.keep_levels, kept.level_precision)
    work = checkpoints_size(parameters, rewinds=pruning.rewind_steps > 0, within_levels=kept.every_n_epochs is not None)
    left = max(levels + work - _stored(folder), 0)
    if levels + work >= _SAID:
        say(
            f"{folder.path} takes about {(levels + work) / _GIGA:.1f} GB of disk while it trains, "
            f"{levels / _GIGA:.1f} GB of them for its levels (checkpoint.keep_levels)",
            error=True,
        )
    place = next(place for place in (folder.path.absolute(), *folder.path.absolute().parents) if place.is_dir())
    room = shutil.disk_usage(place)
    if room.total and room.free < left:
        raise UserError(
            f"{folder.path} takes about {left / _GIGA:.2f} GB of disk more, and {room.free / _GIGA:.2f} GB are free: "
            "free some (python -m sdd clean), keep less (--checkpoint.level_precision half, or "
            "--checkpoint.keep_levels masks), or choose another --run_dir"
        )


def _stored(folder: RunFolder) -> int:
    """Return how many bytes of levels and checkpoints are there already."""
    levels = (folder.level_checkpoint(level) for level in folder.stored_levels())
    return sum(path.stat().st_size for path in (*levels, *folder.checkpoints()))
