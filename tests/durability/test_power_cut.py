"""A power cut at any moment leaves each file of a run as it was or whole and new, and the run goes on from there."""

import random
from pathlib import Path

import pytest

from tests.durability.experiments import TINY, command
from tests.durability.operations import Operation
from tests.durability.power_cut import Disk, put, states, versions
from tests.durability.runs import differences

CAREFUL = [
    Operation("open", "/d/.x.part"),
    Operation("write", "/d/.x.part", data=b"new"),
    Operation("fsync", "/d/.x.part"),
    Operation("rename", "/d/.x.part", "/d/x"),
    Operation("fsync", "/d"),
]


def _all_states(operations):
    disk = Disk()
    for operation in operations:
        disk.do(operation)
    return {tuple(sorted(disk.after_a_cut(random.Random(seed)).items())) for seed in range(200)}


def test_the_model_loses_what_is_not_synced():
    assert _all_states(CAREFUL) == {(("/d/x", b"new"),)}
    unsynced = _all_states([CAREFUL[0], CAREFUL[1], CAREFUL[3]])
    assert {(), (("/d/x", b""),), (("/d/x", b"ne"),), (("/d/x", b"new"),), (("/d/.x.part", b"new"),)} <= unsynced
    assert () in _all_states(CAREFUL[:4])
    assert _all_states(CAREFUL[:1]) == {(), (("/d/.x.part", b""),)}
    folder = [Operation("mkdir", "/d"), *CAREFUL]
    assert _all_states(folder) == {(), (("/d/x", b"new"),)}
    assert versions(folder) == {"/d/x": [(6, b"new")]}


@pytest.fixture
def whole(tiny):
    return tiny.reference, tiny.operations()


def test_every_file_that_a_run_writes_goes_the_safe_way(whole):
    folder, operations = whole
    opened = {operation.path for operation in operations if operation.name == "open"}
    renamed = {operation.path for operation in operations if operation.name == "rename"}
    assert {Path(path).name for path in opened - renamed} == {".lock"}
    assert all(Path(path).is_relative_to(folder / "runs") for path in renamed)
    stay = {str(path) for path in (folder / "runs").rglob("*") if path.is_file() and path.name != ".lock"}
    assert stay <= versions(operations).keys()


def test_no_power_cut_leaves_less_than_was_finished(whole):
    _, operations = whole
    finished = versions(operations)
    removed = {op.path: number for number, op in enumerate(operations, 1) if op.name == "unlink"}
    for done, files in states(operations, 300, seed=0):
        for path, whole_ones in finished.items():
            lasting = [content for number, content in whole_ones if number <= done]
            if path in files:
                assert files[path] in [content for _, content in whole_ones][max(len(lasting) - 1, 0) :], path
            else:
                assert not lasting or removed.get(path, done + 1) <= done, path
        checkpoints = [path for path in finished if "checkpoints" in path]
        if any(number <= done for path in checkpoints for number, _ in finished[path]):
            assert any(files.get(path) == finished[path][-1][1] for path in checkpoints)


def resumed(runner, whole, done, files):
    """What is wrong after the command is given again in a state that a power cut has left."""
    folder, _ = whole
    place = runner.start(TINY, f"cut after {done}")
    put(files, folder, place)
    again = runner.run(command(TINY), place)
    wrong = differences(folder, place)
    return [] if again.status == 0 and not wrong else [again.said, *wrong]


def test_a_run_goes_on_after_a_power_cut(runner, whole):
    for done, files in states(whole[1], 2, seed=1):
        assert resumed(runner, whole, done, files) == []


@pytest.mark.slow
def test_a_run_goes_on_after_many_power_cuts(runner, whole):
    for done, files in states(whole[1], 8, seed=2):
        assert resumed(runner, whole, done, files) == []
