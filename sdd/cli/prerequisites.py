"""Between claim and build: train the runs that this one builds on, where they are not there yet."""

from dataclasses import replace
from pathlib import Path

import yaml

from sdd.cli.claim import Claim
from sdd.cli.parse import Request, plan
from sdd.errors import UserError
from sdd.files import write_atomically
from sdd.runs.folder import RunFolder
from sdd.runs.level_file import kept_of, read_weights, saved
from sdd.runs.prerequisites import AUTO, Prerequisite, dense_config, teacher_config, tickets_config
from sdd.runs.settings import DISTILL_FROM


def train_prerequisites(asked: Request, request: Request, claimed: Claim) -> Claim:
    """Train what is missing; returns the claim with the runs for masks and teacher, and where the dense network ends.

    Args:
        asked: What the command line asks for: today's defaults name the default folders.
        request: The same with the values that the run was started with.
        claimed: A folder that is free.

    Raises:
        UserError: Such a run cannot be trained.
        KeyboardInterrupt: Its training was interrupted.
    """
    config = claimed.config
    if config.pruning.masks_from == AUTO:
        config.pruning.masks_from = str(_train_tickets(asked, request).path)
    if config.model.distill_from == AUTO:
        config.model.distill_from = str(_train_teacher(asked, request).path)
    if config.pruning.dense_from is not None and claimed.checkpoint is None:
        return replace(claimed, checkpoint=_train_dense(asked, request, config.model.distill_from))
    return claimed


def _train_tickets(asked: Request, request: Request) -> RunFolder:
    """Train the winning tickets whose masks the run takes, where they are not there yet."""
    tickets = _tickets(asked, request)
    tickets.train()
    return tickets.folder


def _tickets(asked: Request, request: Request) -> Prerequisite:
    return Prerequisite(
        "pruning.masks_from",
        AUTO,
        tickets_config(yaml.safe_load(request.text)),
        request.plan.config_name,
        request.folder.path,
        plan,
        named_by=tickets_config(yaml.safe_load(asked.text)) if asked.text != request.text else None,
    )


def found_tickets(request: Request) -> RunFolder:
    """Return the run that `pruning.masks_from auto` of a run has found beside it, or trained; nothing is trained here.

    Args:
        request: Of `fit`, read from the run's own `config.yaml`.

    Raises:
        UserError: There is no such run any more.
    """
    like = _tickets(request, request).folder.path
    ending = like.name.removeprefix(request.plan.config_name)  # whatever its configuration was called
    found = sorted(like.parent.glob(f"*{ending}"))
    if not found:
        raise UserError(
            f"{request.folder.path} has pruning.masks_from auto, but there is no *{ending} beside it any more: name "
            "the run that it started from with --sparse"
        )
    return RunFolder(found[0])


def _train_teacher(asked: Request, request: Request) -> RunFolder:
    """Train the run that this one learns from, where it is not there yet."""
    dense = request.config.model.distill_level == 0
    teacher = Prerequisite(
        DISTILL_FROM,
        AUTO,
        teacher_config(yaml.safe_load(request.text)),
        f"{request.plan.config_name}-dense" if dense else request.plan.config_name,
        request.folder.path,
        plan,
        named_by=teacher_config(yaml.safe_load(asked.text)) if asked.text != request.text else None,
    )
    teacher.train()
    return teacher.folder


def _train_dense(asked: Request, request: Request, teacher: str | None) -> Path:
    """Train the dense network that the run prunes, where it is not there yet; returns the checkpoint to go on from.

    Args:
        asked: What the command line asks for.
        request: The same with the values that the run was started with.
        teacher: Folder of the run's teacher; None: it has none.
    """
    dense = Prerequisite(
        "pruning.dense_from",
        request.config.pruning.dense_from,
        dense_config(yaml.safe_load(request.text), teacher),
        f"{request.plan.config_name}-dense",
        request.folder.path,
        plan,
        named_by=dense_config(yaml.safe_load(asked.text), teacher) if asked.text != request.text else None,
        measured=True,
    )
    dense.train()
    checkpoint, _ = dense.folder.newest_checkpoint()
    if checkpoint is None:
        raise UserError(f"pruning.dense_from: {dense.folder.path} has no checkpoint to go on from; remove it")
    level = dense.folder.level_checkpoint(0)
    keep = request.config.checkpoint.keep_levels
    if keep is True and level.is_file():
        write_atomically(request.folder.level_checkpoint(0), level.read_bytes())
    elif level.is_file() and (kept := kept_of(dict(read_weights(level)), 0, keep)) is not None:
        write_atomically(request.folder.level_checkpoint(0), saved(kept))
    return checkpoint
