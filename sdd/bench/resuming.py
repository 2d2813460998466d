"""What it costs to go on with a stopped run, and to write its checkpoints with checksums."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from sdd.bench.epochs import Pairs
from sdd.bench.processes import cpu_seconds
from sdd.bench.table import Row
from sdd.runs.checkpoint_file import checkpoint_bytes, read_checkpoint
from sdd.runs.folder import RunFolder

_UNTIL_AN_EPOCH = """\
import os, sys
from sdd.__main__ import main
from sdd.callbacks.lean_loop import LeanEpochLoop
epoch, run = int(sys.argv[1]), LeanEpochLoop.run
def until(loop, batches):
    if loop.trainer.current_epoch >= epoch:
        os._exit(0)
    run(loop, batches)
LeanEpochLoop.run = until
sys.exit(main(sys.argv[2:]) or "the run has ended before that epoch")
"""

_TIMES = 3


def resume_rows(name: str, settings: Sequence[str], rounds: int) -> list[Row]:
    """Time a run from the start of its process to its first step: a new one, and one stopped in its last level.

    Args:
        name: Of the experiment.
        settings: Arguments of `fit` for it; it is given three levels of an epoch.
        rounds: How many pairs.
    """
    processor, wall = Pairs(), Pairs()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            fit = (*("fit", *settings, "--pruning.levels", "2", "--pruning.epochs_per_level", "1"), "--run_dir")
            started = _until(0, *fit, str(Path(place, "started")))
            stopped = str(Path(place, "stopped"))
            _until(2, *fit, stopped)
            resumed = _until(2, *fit, stopped)
        processor.append((started[0], resumed[0]))
        wall.append((started[1], resumed[1]))
    text = f"{name}, until the first step of a run that goes on"
    return [Row(text, "of a new one", processor, "CPU-s"), Row(text, "of a new one", wall)]


def _until(epoch: int, *arguments: str) -> tuple[float, float]:
    """Run `python -m sdd ARGUMENTS…` until an epoch begins; returns the seconds of CPU, and those that have passed."""
    begin = time.perf_counter()
    used = cpu_seconds("-c", _UNTIL_AN_EPOCH, str(epoch), *arguments)
    return used, time.perf_counter() - begin


def checksum_seconds(folder: RunFolder) -> float:
    """Return how much longer it takes to write the last level and checkpoint of a run since they have checksums."""
    files = [folder.level_checkpoint(folder.stored_levels()[-1]), folder.checkpoints()[0]]
    contents = [read_checkpoint(file) for file in files]
    before = torch.serialization.get_crc32_options()
    try:
        spent = [_writing(contents, checksums=checksums) for checksums in (True, False)]
    finally:
        torch.serialization.set_crc32_options(before)
    return max(spent[0] - spent[1], sys.float_info.epsilon)


def _writing(contents: Sequence[object], *, checksums: bool) -> float:
    torch.serialization.set_crc32_options(checksums)
    spent = []
    for _ in range(_TIMES):
        begin = time.perf_counter()
        for content in contents:
            checkpoint_bytes(content)
        spent.append(time.perf_counter() - begin)
    return min(spent)
