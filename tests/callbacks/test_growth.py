"""Nothing but the rows of its tables grows with the number of levels of a run."""

import gc
from collections import Counter

import lightning.pytorch as pl
import pytest
import torch
from torch import nn

from sdd.callbacks import LearningDistance, LevelCallback, TrainingDynamics
from tests.small import NormNet, small_run

COUNTED = (torch.Tensor, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler, nn.Module, pl.Callback)


class Counts(LevelCallback):
    """Counts what is alive as each level begins, and the files of the run, without waiting for Python to tidy up."""

    def __init__(self, folder):
        self.folder = folder
        self.alive, self.tensor_bytes, self.checkpoints, self.others = {}, {}, {}, {}

    def on_level_start(self, trainer, pl_module, level):
        found = [one for one in gc.get_objects() if issubclass(type(one), COUNTED)]
        number = level.level
        self.alive[number] = Counter(type(one).__name__ for one in found)
        self.tensor_bytes[number] = sum(one.nbytes for one in found if issubclass(type(one), torch.Tensor))
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        self.checkpoints[number] = sum(path.parent.name == "checkpoints" for path in files)
        self.others[number] = sum(path.parent.name not in ("checkpoints", "levels") for path in files)


def halve(optimizer):
    return torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    counts = Counts(folder)
    gc.collect()
    gc.disable()  # what waits for it would stay for hours beside a large network, where little else is made
    try:
        measured = TrainingDynamics("all"), LearningDistance(path=True)
        small_run(folder, counts, *measured, build=NormNet, lr_scheduler=halve, levels=8, epochs_per_level=1)
    finally:
        gc.enable()
    return counts


def test_as_much_is_alive_after_eight_levels_as_after_three(counts):
    assert counts.alive[8] == counts.alive[3]
    assert counts.tensor_bytes[8] == counts.tensor_bytes[3] > 0


def test_as_many_files_are_kept(counts):
    assert counts.checkpoints[8] == counts.checkpoints[3] == 2
    assert counts.others[8] == counts.others[3]
