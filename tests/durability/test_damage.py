"""A damaged file of a run is named, and written anew where it can be; nothing that is wrong is read."""

import random
from pathlib import Path

import pytest

from tests.durability.damage import BIT, DIGIT, EMPTY, GONE, KINDS, Damaged, damaged, every, files_of
from tests.durability.runs import EXPERIMENTS, FOLDER, TINY


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != GONE])
def test_damage_changes_a_file(kind):
    for seed in range(20):
        assert damaged(b"level,1.25\n", kind, random.Random(seed)) != b"level,1.25\n"


@pytest.fixture(scope="module")
def whole(runner, tiny):
    return Damaged(runner, TINY, tiny.reference)


@pytest.mark.parametrize(("file", "kind"), [("curve.csv", DIGIT), ("settings.json", EMPTY)])
def test_a_damaged_file_is_named_and_written_anew(whole, file, kind):
    assert not whole.with_damage(file, kind, seed=0).wrong


def test_a_flipped_bit_in_a_level_is_named(whole):
    assert not whole.with_damage("levels/level-001.ckpt", BIT, seed=1).wrong


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny", "dense_from"])
def test_every_file_and_kind_of_damage(runner, name):
    case = EXPERIMENTS[name]
    folder, _ = runner.undisturbed(case, f"{name} damaged")
    files = files_of(folder / FOLDER)
    assert {"curve.csv", "checksums.json", "levels/level-000.ckpt"} <= {str(Path(file)) for file in files}
    for file, kind, seed in every(files, len(files) * (len(KINDS) - 1), seed=0)[::9]:
        found = Damaged(runner, case, folder).with_damage(file, kind, seed)
        assert not found.wrong, found
