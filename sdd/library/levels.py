"""`sdd.load_level`, `sdd.evaluate` and `sdd.export_onnx`: trained levels as plain networks."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from sdd.callbacks.accuracy import measure
from sdd.cli.level_network import level_network
from sdd.cli.rebuild import rebuilt
from sdd.errors import UserError
from sdd.models.state import load_state
from sdd.places import place_of
from sdd.runs.folder import RunFolder
from sdd.runs.trained_levels import StoredLevels

Run = str | os.PathLike[str]
"""Folder of a run, or what `sdd.fit` returned."""


def load_level(run: Run, level: int) -> nn.Module:
    """Return the network of a trained level: a plain `nn.Module` on the CPU, in evaluation mode.

    Removed weights have the values that they had in the run: zero, unless `pruning.frozen` says otherwise. Its
    `state_dict()` is that of the network alone, without masks.

    Args:
        run: The run's folder.
        level: Its number; 0 is dense.

    Raises:
        UserError: There is no such level, its file is damaged, or the network can no longer be built.
    """
    return level_network(_levels(run, level), level, str(run if isinstance(run, str) else os.fspath(run)))


def evaluate(run: Run, level: int) -> dict[str, float]:
    """Measure a trained level anew on all of its run's data.

    Args:
        run: The run's folder.
        level: Its number.

    Returns:
        Losses and accuracies by their names in `curve.csv`, as there.

    Raises:
        UserError: There is no such level, something cannot be made again, or the data have changed since.
    """
    levels = _levels(run, level)
    weights = levels.weights(level)
    with rebuilt(levels.folder, level) as parts:
        load_state(parts.net, weights)
        return measure(parts.net, parts.data, parts.loss)


def export_onnx(run: Run, level: int, file: str | os.PathLike[str], shape: Sequence[int]) -> None:
    """Write the network of a trained level as an ONNX file; batches may have any size.

    Args:
        run: The run's folder.
        level: Its number.
        file: To write.
        shape: Of one network input: channels, height, width.

    Raises:
        UserError: ONNX is not installed, or there is no such level.
    """
    lacking = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if lacking:
        raise UserError(f"export_onnx needs {' and '.join(lacking)}: pip install {' '.join(lacking)}")
    net, example = load_level(run, level), torch.zeros(2, *shape)
    torch.onnx.export(net, (example,), os.fspath(file), dynamic_shapes=({0: torch.export.Dim("batch")},))


def _levels(run: Run, level: int) -> StoredLevels:
    """Return the levels of a run in which this one is kept.

    Raises:
        UserError: It is not.
    """
    folder = RunFolder(place_of(run, "the run"))
    if not folder.is_run:
        raise UserError(f"{folder.path} {folder.state().reason}: give the folder of a run")
    stored = folder.stored_levels()
    if level not in stored:
        told = f"its levels {', '.join(map(str, stored))}" if stored else "no level (checkpoint.keep_levels)"
        raise UserError(f"{Path(folder.path)} has not kept level {level}: it has {told}")
    return StoredLevels(folder)
