"""What was measured within levels: all of it where there is room, else what tells the story."""

import shutil

import pytest

from sdd.analysis.reading import read_run
from sdd.files import table_text
from sdd.report.epochs import numbers_each, read_epochs
from tests.report.made_runs import full_run

LEVELS, EPOCHS = 20, 30


def value(level, epoch, name):
    return (level * 31 + epoch * 7 + len(name)) / 1000


@pytest.fixture
def run(tmp_path):
    """A run with six measures after each second epoch, and a distance after each."""
    folder = full_run(tmp_path / "run", 0, levels=LEVELS)
    names = ("train_loss", "train_acc", "memorized", "recovered", "test_loss", "test_acc")
    rows = [
        {"level": level, "epoch": epoch} | {name: value(level, epoch, name) for name in names}
        for level in range(LEVELS)
        for epoch in range(1, EPOCHS, 2)
    ]
    (folder / "epochs.csv").write_text(table_text(rows))
    path = [
        {"level": level, "epoch": epoch, "distance": value(level, epoch, "distance"), "distance_start": 1.0}
        for level in range(LEVELS)
        for epoch in range(EPOCHS)
    ]
    (folder / "distance_path.csv").write_text(table_text(path))
    return folder


def test_all_is_there_where_there_is_room_and_both_files_are_one_table(run):
    found, problems = read_epochs(read_run(run), 10**6)
    assert problems == []
    assert found["whole"]
    assert found["measured"] == LEVELS
    assert found["levels"] == list(range(LEVELS))
    assert found["epochs"] == [list(range(EPOCHS))] * LEVELS
    assert found["values"]["distance"][3][4] == value(3, 4, "distance")
    assert found["values"]["test_acc"][3][5] == value(3, 5, "test_acc")
    assert found["values"]["test_acc"][3][4] is None
    assert len(found["values"]) == 8


def test_with_little_room_there_are_the_levels_that_mark_the_phases(run):
    read = read_run(run)
    found, _ = read_epochs(read, 500)
    assert not found["whole"]
    assert found["measured"] == LEVELS
    marks = {0, read.phases.trough, read.phases.peak, LEVELS - 1} - {None}
    assert found["levels"] == sorted(marks)
    assert list(found["values"]) == ["test_acc", "train_acc", "memorized", "distance"]
    for epochs in found["epochs"]:
        assert (epochs[0], epochs[-1]) == (0, EPOCHS - 1)
        assert epochs == sorted({*epochs})
        assert len(epochs) * len(marks) * 4 <= 500
    place = found["epochs"][1].index(EPOCHS - 1)
    assert found["values"]["distance"][1][place] == value(found["levels"][1], EPOCHS - 1, "distance")


def test_runs_share_the_room_and_those_without_such_files_take_none(run, tmp_path):
    plain = read_run(full_run(tmp_path / "plain", 1, levels=LEVELS))
    assert read_epochs(plain, 1000) == (None, [])
    shutil.copytree(run, tmp_path / "other")
    measured = [read_run(run), read_run(tmp_path / "other")]
    assert numbers_each([plain, *measured]) == numbers_each(measured) == numbers_each(measured[:1]) // 2


@pytest.mark.parametrize("text", ["level\n", "a,b\n1,2\n", "level,epoch,test_acc\n0,0,x\n"])
def test_a_damaged_file_costs_only_itself(run, text):
    (run / "epochs.csv").write_text(text)
    found, problems = read_epochs(read_run(run), 10**6)
    assert set(found["values"]) == {"distance", "distance_start"}
    assert len(problems) == (text != "level\n")
    assert all("epochs.csv" in problem for problem in problems)
