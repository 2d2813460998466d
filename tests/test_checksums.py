"""Checksums find what has changed, and no moment at which a process is killed makes a file look damaged."""

import os
from pathlib import Path

import pytest

from sdd import files
from sdd.checksums import read_checksums
from sdd.errors import DamagedError
from sdd.files import damage, read_json, read_text, settle_checksums, write_atomically, write_checked
from sdd.regular_files import read_bytes


class KilledError(BaseException):
    """Stands for a kill: nothing is put away."""


def test_a_changed_digit_is_found_and_what_nothing_is_known_of_is_read(tmp_path):
    path = tmp_path / "curve.csv"
    write_checked(path, "level\n1\n")
    assert read_text(path) == "level\n1\n"
    path.write_text("level\n2\n")
    with pytest.raises(DamagedError, match=r"curve\.csv is damaged: it is not as sdd wrote it, by checksums\.json"):
        read_text(path)
    (tmp_path / "checksums.json").unlink()
    assert read_text(path) == "level\n2\n"
    other = tmp_path / "other.json"
    other.write_text("{}")
    assert read_json(other) == {}


def test_damaged_checksums_are_named_and_the_next_write_makes_them_right(tmp_path):
    path = tmp_path / "curve.csv"
    write_checked(path, "1")
    (tmp_path / "checksums.json").write_text('{"format": 2}')
    with pytest.raises(DamagedError, match=r"checksums\.json is damaged: it is of format 2"):
        read_text(path)
    write_checked(path, "2")
    assert read_text(path) == "2"


def test_a_file_too_large_to_be_ours_is_replaced_without_being_read(tmp_path):
    path = tmp_path / "x"
    write_checked(path, "right")
    with path.open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(DamagedError, match=r"x is damaged: it is of 8,589,934,592 bytes"):
        damage(path)
    write_checked(path, "new")
    assert read_text(path) == "new"


def test_a_damaged_file_stays_damaged_until_it_is_written_anew(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_checked(path, "right")
    path.write_text("wrong")
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_atomically", _killed_at(lambda file: file.name == "x"))
        with pytest.raises(KilledError):
            write_checked(path, "new")
    assert damage(path)
    write_checked(path, "new")
    assert not damage(path)


def _killed_at(moment):
    def write(file, content):
        if moment(file):
            raise KilledError
        write_atomically(file, content)

    return write


@pytest.mark.parametrize("before", [None, "old", "unknown"])
@pytest.mark.parametrize("killed", ["checksums.json", "x"])
def test_no_kill_makes_a_file_look_damaged(tmp_path, monkeypatch, before, killed):
    path = tmp_path / "x"
    if before == "old":
        write_checked(path, "older")
        write_checked(path, "old")
    elif before == "unknown":
        path.write_text("of an earlier version")
    was = path.read_text() if before else None
    for content in ("new", "newer", "newest"):
        with monkeypatch.context() as patch:
            patch.setattr(files, "write_atomically", _killed_at(lambda file: file.name == killed))
            with pytest.raises(KilledError):
                write_checked(path, content)
        assert not damage(path)
        assert (path.read_text() if path.exists() else None) == was
    write_checked(path, "at last")
    assert read_text(path) == "at last"


def test_a_file_that_is_replaced_while_it_is_looked_at_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_checked(path, "old")

    def overtaken(place):
        with monkeypatch.context() as patch:
            patch.setattr(files, "read_bytes", read_bytes)
            write_checked(path, "new")
            content = read_bytes(place)
            write_checked(path, "newer")
        return content

    with monkeypatch.context() as patch:
        patch.setattr(files, "read_bytes", overtaken)
        assert not damage(path)
        assert read_text(path) == "new"


def test_a_file_that_goes_is_missed_once_the_next_one_is_written(tmp_path):
    for name in "ab":
        write_checked(tmp_path / name, name)
    for name in "ab":
        (tmp_path / name).unlink()
    assert damage(tmp_path / "a") == "a is missing"
    assert not damage(tmp_path / "b")  # it may have been on its way


def test_a_file_that_goes_is_missed_once_all_are_in_their_last_form(tmp_path):
    for name in "ab":
        write_checked(tmp_path / name, name)
    (tmp_path / "a").unlink()
    settle_checksums(tmp_path)
    assert read_checksums(tmp_path).keys() == {"b"}
    (tmp_path / "b").unlink()
    assert damage(tmp_path / "b") == "b is missing"


def test_abandoned_temporary_folders_go_and_those_in_use_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    with files.temporary_folder() as own:
        abandoned = Path(str(own).replace(f"-{os.getpid()}-", f"-{child}-"))
        others = [tmp_path / "sdd-elsewhere-1-x", tmp_path / "sdd-report"]
        for folder in (abandoned, *others):
            folder.mkdir()
        files.remove_abandoned()
        assert own.is_dir()
        assert not abandoned.exists()
        assert all(folder.is_dir() for folder in others)
    assert not own.exists()
