"""A checkpoint is read as it was written, or not at all."""

import os

import pytest
import torch

from sdd.errors import UserError
from sdd.runs.checkpoint_file import damage_of, read_checkpoint, write_checkpoint

CONTENT = {"state_dict": {"net.fc.weight": torch.arange(40.0)}, "pytorch-lightning_version": "2.6", "epoch": 3}


def _same(content):
    return (
        content.keys() == CONTENT.keys()
        and content["epoch"] == 3
        and torch.equal(content["state_dict"]["net.fc.weight"], CONTENT["state_dict"]["net.fc.weight"])
    )


def test_any_flipped_bit_is_found_or_changes_nothing(tmp_path):
    path = tmp_path / "a.ckpt"
    write_checkpoint(path, CONTENT)
    assert _same(read_checkpoint(path))
    assert os.listdir(tmp_path) == ["a.ckpt"]
    whole, found = path.read_bytes(), list[str]()
    for place in range(0, len(whole), 3):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            assert _same(read_checkpoint(path)), place
        except UserError as error:
            found.append(str(error))
    assert len(found) > 100  # the rest are dates and padding
    assert all(line.startswith(f"{path} is damaged") and "\n" not in line for line in found)


@pytest.mark.parametrize(
    "content", [b"", b"text", bytes(1000), b"PK\x03\x04" + bytes(500)], ids=["empty", "text", "zeros", "a beginning"]
)
def test_what_is_no_checkpoint_is_a_line(tmp_path, content):
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    assert damage_of(path).startswith(f"{path} is damaged, or no checkpoint")


def test_what_something_else_has_written_is_a_line(tmp_path):
    path = tmp_path / "a.ckpt"
    for content in ([1], {"a": torch.ones(2)}, {"state_dict": {}}, {"state_dict": 3, "pytorch-lightning_version": ""}):
        torch.save(content, path)
        assert damage_of(path) == (
            f"{path} is no checkpoint that sdd has written: give one of a run's checkpoints/ or levels/"
        )
    assert damage_of(tmp_path / "b.ckpt") == f"{tmp_path / 'b.ckpt'} cannot be read: No such file or directory"
    assert damage_of(tmp_path) == f"{tmp_path} cannot be read: Is a directory"
