import errno
import os
import tempfile
import threading
from contextlib import nullcontext

import pytest

from sdd.errors import UserError
from sdd.files import check_folder, check_output, sync_folder, write_atomically


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


def test_no_file_takes_the_place_of_a_device_or_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for name in ("pipe", "null"):
        for write in (lambda path: write_atomically(path, "text"), lambda path: check_output("--out", path)):
            with pytest.raises(UserError, match=f"{name} is a device or a pipe"):
                write(tmp_path / name)
    with pytest.raises(UserError, match="is a folder; name a file in it"):
        check_output("--out", tmp_path)
    assert (tmp_path / "pipe").is_fifo()
    assert not os.path.isfile("/dev/null")


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    """A folder of links to a run's files, as `cp -rs` makes one, is not that run."""
    (tmp_path / "original").write_text("first")
    (tmp_path / "link").symlink_to(tmp_path / "original")
    write_atomically(tmp_path / "link", "second")
    assert ((tmp_path / "original").read_text(), (tmp_path / "link").read_text()) == ("first", "second")
    assert not (tmp_path / "link").is_symlink()


def test_what_a_user_names_is_where_a_link_leads(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/file")
    assert check_output("--out", tmp_path / "link") == tmp_path / "there" / "file"
    assert check_output("--out", tmp_path / "plain") == tmp_path / "plain"
    (tmp_path / "nowhere").symlink_to(tmp_path / "plain" / "file")
    (tmp_path / "plain").write_text("")
    with pytest.raises(UserError, match="plain is a file: give a folder"):
        check_output("--out", tmp_path / "nowhere")
