"""Between claim and build: train the runs that this one builds on, where they are not there yet."""

from dataclasses import replace
from pathlib import Path

import yaml

from sdd.cli.claim import Claim
from sdd.cli.parse import Request, plan
from sdd.errors import UserError
from sdd.files import write_atomically
from sdd.runs.folder import RunFolder
from sdd.runs.prerequisites import AUTO, Prerequisite, dense_config, tickets_config


def train_prerequisites(request: Request, claimed: Claim) -> Claim:
    """Train what is missing; returns the claim with the run whose masks are taken, and where the dense network ends.

    Args:
        request: Of `fit`.
        claimed: A folder that is free.

    Raises:
        UserError: Such a run cannot be trained.
        KeyboardInterrupt: Its training was interrupted.
    """
    config = claimed.config
    if config.pruning.masks_from == AUTO:
        config.pruning.masks_from = str(_train_tickets(request).path)
    if config.pruning.dense_from is not None and claimed.checkpoint is None:
        return replace(claimed, checkpoint=_train_dense(request))
    return claimed


def _train_tickets(request: Request) -> RunFolder:
    """Train the winning tickets whose masks the run takes, where they are not there yet."""
    config = tickets_config(yaml.safe_load(request.text))
    tickets = Prerequisite("pruning.masks_from", AUTO, config, request.plan.config_name, request.folder.path, plan)
    tickets.train()
    return tickets.folder


def _train_dense(request: Request) -> Path:
    """Train the dense network that the run prunes, where it is not there yet; returns the checkpoint to go on from."""
    config = dense_config(yaml.safe_load(request.text))
    name, named = f"{request.plan.config_name}-dense", request.config.pruning.dense_from
    dense = Prerequisite("pruning.dense_from", named, config, name, request.folder.path, plan)
    dense.train()
    checkpoint, _ = dense.folder.newest_checkpoint()
    if checkpoint is None:
        raise UserError(f"pruning.dense_from: {dense.folder.path} has no checkpoint to go on from; remove it")
    level = dense.folder.level_checkpoint(0)
    if request.config.checkpoint.keep_levels and level.is_file():
        write_atomically(request.folder.level_checkpoint(0), level.read_bytes())
    return checkpoint
