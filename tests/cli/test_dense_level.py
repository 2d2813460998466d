"""The dense level that a run begins with is another run's, and then its own."""

from types import SimpleNamespace

import pytest
import torch

from sdd.cli.claim import Claim, Found
from sdd.cli.fit import _take_dense_level
from sdd.errors import UserError
from sdd.runs.checkpoint_file import read_checkpoint, write_checkpoint
from sdd.runs.folder import RunFolder
from sdd.runs.origin import ORIGIN, check_origin, origin_of
from sdd.runs.settings import Settings


def run(path, levels):
    folder = RunFolder(path)
    chosen = {"pruning.levels": levels}
    folder.write_config("", Settings(chosen, chosen))
    return folder


def test_the_dense_level_is_the_runs_own_once_it_is_taken(tmp_path):
    dense, own = run(tmp_path / "dense", 0), run(tmp_path / "own", 3)
    level = {"pytorch-lightning_version": "2", "state_dict": {"net.w": torch.ones(2)}, ORIGIN: origin_of(dense)}
    write_checkpoint(dense.level_checkpoint(0), level)
    claimed = Claim(Found.FREE, None, dense=dense)
    request = SimpleNamespace(folder=own, config=SimpleNamespace(checkpoint=SimpleNamespace(level_precision="full")))
    for keep in (False, [1], True):
        assert own.stored_levels() == []
        request.config.checkpoint.keep_levels = keep
        _take_dense_level(request, claimed)
    taken = read_checkpoint(own.level_checkpoint(0))
    check_origin(taken, own, "level")
    assert taken["state_dict"]["net.w"].equal(torch.ones(2))
    assert read_checkpoint(dense.level_checkpoint(0))[ORIGIN] == origin_of(dense)
    write_checkpoint(dense.level_checkpoint(0), level | {ORIGIN: origin_of(own)})
    with pytest.raises(UserError, match="written by another run"):
        _take_dense_level(request, claimed)
