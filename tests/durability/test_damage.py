"""A damaged file of a run is named, and written anew where it can be; nothing that is wrong is read."""

import random
from pathlib import Path

import pytest

from tests.durability.damage import BIT, DIGIT, EMPTY, GONE, KINDS, Damaged, damaged, every, files_of, sort_of
from tests.durability.experiments import EXPERIMENTS, FOLDER, TINY


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != GONE])
def test_damage_changes_a_file(kind):
    for seed in range(20):
        assert damaged(b"level,1.25\n", kind, random.Random(seed)) != b"level,1.25\n"


def test_damages_are_spread_over_sorts_of_files_and_kinds():
    files = ["a/curve.csv", "a/levels/level-000.ckpt", "a/levels/level-001.ckpt", "a/curve.png", "images/train/0.png"]
    assert [sort_of(file) for file in files] == ["curve.csv", "levels", "levels", "curve.png", "image"]
    chosen = every(files, 200, first=3)
    assert {(sort_of(file), kind) for file, kind in chosen if kind != DIGIT} == {
        (sort_of(file), kind) for file in files for kind in KINDS if kind != DIGIT
    }
    assert {file for file, _ in chosen} == {*files}
    assert {file for file, kind in chosen if kind == DIGIT} == {"a/curve.csv"}


@pytest.fixture(scope="module")
def whole(runner):
    return Damaged(runner, TINY)


@pytest.mark.parametrize(("file", "kind"), [("curve.csv", DIGIT), ("settings.json", EMPTY)])
def test_a_damaged_file_is_named_and_written_anew(whole, file, kind):
    found = whole.with_damage(f"{FOLDER}/{file}", kind, seed=0)
    assert not found.wrong, found


def test_a_flipped_bit_in_a_level_is_named(whole):
    found = whole.with_damage(f"{FOLDER}/levels/level-001.ckpt", BIT, seed=1)
    assert not found.wrong, found


def test_a_stopped_run_goes_on_from_the_checkpoint_before_a_damaged_one(runner):
    stopped = Damaged(runner, TINY, stopped=True)
    checkpoints = sorted(file for file in files_of(stopped.place) if sort_of(file) == "checkpoints")
    found = stopped.with_damage(checkpoints[-1], BIT, seed=2)
    assert not found.wrong, found


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_files_of_every_kind_of_run(runner, name):
    first = 2 * [*EXPERIMENTS].index(name)
    for stopped in (False, True):
        one = Damaged(runner, EXPERIMENTS[name], stopped=stopped)
        files = files_of(one.place)
        assert {"curve.csv", "checksums.json", "level-000.ckpt"} <= {Path(file).name for file in files}
        ((file, kind),) = every(files, 1, first + stopped)
        found = one.with_damage(file, kind, first)
        assert not found.wrong, found
