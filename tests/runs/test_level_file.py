"""Files of levels and checkpoints: what is in them, how large they are, and those of earlier versions."""

import copy
import io

import pytest
import torch

from sdd.callbacks import LevelCallback
from sdd.errors import UserError
from sdd.runs.folder import RunFolder
from sdd.runs.level_file import read_level
from tests.small import NormNet, small_run


class Keeps(LevelCallback):
    """Keeps the network and the masks of each level as they are in memory."""

    def __init__(self):
        self.kept = []

    def on_level_end(self, trainer, pl_module, level, measures):
        state = {name: value.clone() for name, value in pl_module.net.state_dict().items()}
        self.kept.append((state, dict(level.masks), pl_module.state_dict()))


@pytest.fixture(scope="module", params=["zero", "initial"])
def run(request, tmp_path_factory):
    folder, keeps = tmp_path_factory.mktemp("run"), Keeps()
    trainer, module, driver = small_run(folder, keeps, build=NormNet, exclude=[], frozen=request.param)
    return folder, keeps.kept, trainer, module, driver


def test_every_level_comes_back_bit_for_bit(run):
    folder, kept, *_ = run
    for number, (weights, masks, _) in enumerate(kept):
        level = read_level(folder / "levels" / f"level-{number:03d}.ckpt")
        assert list(level.weights) == list(weights)
        assert list(level.masks) == list(masks)
        assert all(torch.equal(value, weights[name]) for name, value in level.weights.items())
        assert all(torch.equal(mask, masks[name]) for name, mask in level.masks.items())


def test_a_file_holds_surviving_values_and_a_bit_for_each_place(run):
    folder, kept, _, _, driver = run
    prunable = 4 * 9 + 2560
    others = 4 + 10 + 4 * 4 + 2  # biases, normalisation, the 8 bytes of num_batches_tracked
    for number, (_, masks, _) in enumerate(kept):
        content = torch.load(RunFolder(folder).level_checkpoint(number), weights_only=True)
        alive = sum(int(mask.sum()) for mask in masks.values()) if driver.frozen == "zero" else prunable
        assert stored_bytes(content) == 4 * (alive + others) + 5 + 320, number


def stored_bytes(content):
    """Count the bytes of all tensors of a file, those that share memory once."""
    storages = {}

    def visit(value):
        if isinstance(value, torch.Tensor):
            storages[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        elif isinstance(value, dict | list | tuple):
            for part in value.values() if isinstance(value, dict) else value:
                visit(part)

    visit(content)
    return sum(storages.values())


def test_a_file_of_an_earlier_version_is_read_and_tested_as_one_of_today(run, tmp_path):
    folder, kept, trainer, module, _ = run
    old, new = tmp_path / "level-002.ckpt", RunFolder(folder).level_checkpoint(2)
    content = torch.load(new, weights_only=True)
    del content["packed"]
    content["state_dict"] = dict(kept[2][2]) | {f"net.{name}": value for name, value in kept[2][0].items()}
    content["state_dict"] |= {f"mask_buffers.{name.replace('.', '/')}": mask for name, mask in kept[2][1].items()}
    torch.save(content, old)
    one, other = read_level(old), read_level(new)
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())
    assert all(torch.equal(mask, other.masks[name]) for name, mask in one.masks.items())
    results = [trainer.test(module, trainer.datamodule, ckpt_path=path, verbose=False) for path in (old, new)]
    assert results[0] == results[1]
    assert module.net.state_dict()["conv.weight"].equal(kept[2][0]["conv.weight"])


def test_a_checkpoint_at_a_levels_end_holds_nothing_twice_and_nothing_that_ends_with_the_level(run):
    folder, _, _, _, driver = run
    newest = RunFolder(folder).checkpoints()[0]
    content = torch.load(newest, weights_only=True)
    state = content["callbacks"]["IterativePruning"]
    first = 4 * sum(value.numel() for value in state["initial"].values()) + 4  # a number of 8 bytes
    level = torch.load(RunFolder(folder).level_checkpoint(3), weights_only=True)
    assert stored_bytes(content) == first + stored_bytes(level), "rewind_steps is 0: rewind is initial"
    assert state["start"] == {}
    assert content["optimizer_states"][0]["state"] == {}
    driver.load_state_dict(copy.deepcopy(state))  # as Lightning does
    file = io.BytesIO()
    torch.save({**content, "callbacks": {"IterativePruning": driver.state_dict()}}, file)
    file.seek(0)
    assert stored_bytes(torch.load(file, weights_only=True)) == stored_bytes(content), "nor after it was gone on with"


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read: No such file"), (b"PK", "is damaged"), ({"a": 1}, "no file of a level"), ([1], "no file")],
)
def test_what_is_no_file_of_a_level_is_said_in_one_line(tmp_path, content, words):
    path = tmp_path / "level-000.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(UserError, match=words) as raised:
        read_level(path)
    assert "\n" not in str(raised.value)
