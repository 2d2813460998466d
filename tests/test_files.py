import errno
import os
import tempfile
import threading
from contextlib import nullcontext

import pytest

from sdd.errors import UserError
from sdd.files import check_folder, sync_folder, write_atomically


@pytest.mark.parametrize(("content", "stored"), [("ρ = 0.4\n", "ρ = 0.4\n".encode()), (b"\x00\xff", b"\x00\xff")])
def test_a_file_holds_what_was_written_last(tmp_path, content, stored):
    path = tmp_path / "new" / "folder" / "curve.csv"
    write_atomically(path, "a much longer line from before\n" * 10)
    write_atomically(path, content)
    assert path.read_bytes() == stored
    assert os.listdir(path.parent) == ["curve.csv"]


def test_others_may_read_the_file(tmp_path):
    write_atomically(tmp_path / "x", "text")
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


def test_content_and_name_are_on_the_disk_before_it_is_said_to_be_written(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, type(tmp_path).replace
    monkeypatch.setattr(os, "fsync", lambda file: done.append(os.readlink(f"/proc/self/fd/{file}")) or fsync(file))
    monkeypatch.setattr(type(tmp_path), "replace", lambda *names: done.append(names) or replace(*names))
    path = tmp_path / "new" / "x"
    write_atomically(path, "text")
    made, part, (old, new), folder = done
    assert (made, part, new, folder) == (str(tmp_path), str(old), path, str(path.parent))
    assert old.parent == path.parent


@pytest.mark.parametrize(("number", "raised"), [(errno.EINVAL, False), (errno.EIO, True), (errno.EACCES, False)])
def test_a_file_system_that_syncs_no_folders_is_no_error_but_a_broken_disk_is(tmp_path, monkeypatch, number, raised):
    def fail(file):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="put/output") if raised else nullcontext():
        sync_folder(tmp_path)


@pytest.mark.parametrize("broken", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, broken, error):
    path = tmp_path / "curve.csv"
    write_atomically(path, "old")

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        if broken == "fsync":
            patch.setattr(os, "fsync", fail)
        else:
            patch.setattr(type(path), "replace", fail)
        with pytest.raises(type(error)):
            write_atomically(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["curve.csv"]


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "x"
    contents = [letter * 200_000 for letter in "ab"]
    write_atomically(path, contents[0])

    def write():
        for turn in range(40):
            write_atomically(path, contents[turn % 2])

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while writer.is_alive():
        seen.add(path.read_text())
    writer.join()
    assert seen <= set(contents)


@pytest.mark.parametrize(
    ("place", "reason"), [("file", "is a file"), ("file/in/it", "is a file"), ("shut/in/it", "shut")]
)
def test_a_folder_that_nothing_can_be_written_into_is_refused(tmp_path, monkeypatch, place, reason):
    (tmp_path / "file").write_text("x")
    (tmp_path / "shut").mkdir()
    make = tempfile.mkdtemp

    def make_outside(prefix, dir):  # noqa: A002
        if "shut" in str(dir):  # root may write everywhere
            raise PermissionError(13, "Permission denied")
        return make(prefix=prefix, dir=dir)

    monkeypatch.setattr(tempfile, "mkdtemp", make_outside)
    with pytest.raises(UserError, match=f"^--out is .*{place}, but .*{reason}.*: give a"):
        check_folder("--out", tmp_path / place)
    check_folder("--out", tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()
