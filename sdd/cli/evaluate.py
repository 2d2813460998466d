"""`test` and `validate`: the accuracy of a trained level."""

from pathlib import Path

from sdd.cli.build import build
from sdd.cli.parse import Request
from sdd.cli.same_data import checked_record
from sdd.console import say
from sdd.errors import UserError
from sdd.places import place_of
from sdd.pruning.halving import is_halved
from sdd.runs.checkpoint_file import damage_of, read_checkpoint
from sdd.runs.prerequisites import TICKETS

_DOING = {"test": "testing", "validate": "validating"}


def evaluate(request: Request) -> None:
    """Test or validate the run's newest checkpoint, its last level where it has none, or what was asked for.

    Args:
        request: Of `test` or `validate`.

    Raises:
        UserError: There is no such checkpoint, the parts do not fit together, or the data have changed.
    """
    config = request.config.clone()
    for name, value in TICKETS.items():  # nothing is pruned
        config.pruning[name] = value
    checkpoint = _checkpoint(request)
    experiment = build(request, config)
    checked_record(request, experiment, checkpoint)
    rounded = (
        ", whose weights are kept in 16 bits, so that its numbers may differ a little from those of curve.csv"
        if is_halved(read_checkpoint(checkpoint))
        else ""
    )
    say(f"{_DOING[request.command]} {checkpoint}{rounded}", error=True)
    run = getattr(experiment.trainer, request.command)
    run(experiment.model, datamodule=experiment.data, **experiment.options | {"ckpt_path": checkpoint})


def _checkpoint(request: Request) -> Path:
    if request.config.ckpt_path is not None:
        asked_for = place_of(request.config.ckpt_path, "ckpt_path")
        if not asked_for.is_file():
            raise UserError(f"no checkpoint {asked_for}")
        if damage := damage_of(asked_for):
            raise UserError(damage)
        return asked_for
    newest, damaged = request.folder.newest_checkpoint()
    for damage in damaged:
        say(f"{damage}; the checkpoint before it is used", error=True)
    stored = request.folder.stored_levels()
    if newest is None and stored:  # of a finished run whose checkpoints were freed
        return request.folder.level_checkpoint(stored[-1])
    if newest is None:
        raise UserError(
            f"there is no trained network in {request.folder.path}: run fit first, or set --ckpt_path to a "
            "checkpoint, such as levels/level-000.ckpt of a run"
        )
    return newest
