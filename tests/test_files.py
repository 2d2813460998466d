import errno
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, nullcontext

import pytest

from sdd import files
from sdd.errors import UserError
from sdd.files import check_folder, only_one_process, sync_folder, try_lock, write_atomically

needs_locks = pytest.mark.skipif(files.fcntl is None, reason="this platform has no flock")

HOLD_A_LOCK = """
import sys
from pathlib import Path
from sdd.files import try_lock
with try_lock(Path(sys.argv[1]), "another process"):
    print("held", flush=True)
    sys.stdin.read()
"""


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


@needs_locks
def test_one_holder_at_a_time_adds_up_every_increment(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")

    def count():
        for _ in range(25):
            with only_one_process(tmp_path / "deep" / "lock"):
                value = int(counter.read_text())
                counter.write_text(str(value + 1))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.read_text() == "200"


@needs_locks
def test_a_held_lock_names_its_holder_and_is_free_afterwards(tmp_path):
    lock = tmp_path / "lock"
    with try_lock(lock, "a holder with a long name") as first, try_lock(lock, "late") as second:
        assert first is None
        assert second == "a holder with a long name"
    with try_lock(lock, "short") as third, try_lock(lock, "later") as fourth:
        assert third is None
        assert fourth == "short"


@needs_locks
def test_a_lock_is_released_where_its_holder_fails(tmp_path):
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(ZeroDivisionError))
        stack.enter_context(try_lock(tmp_path / "lock", "first"))
        raise ZeroDivisionError
    with try_lock(tmp_path / "lock", "second") as holder:
        assert holder is None


@needs_locks
def test_a_lock_ends_with_a_killed_process(tmp_path):
    lock = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_A_LOCK, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "held\n"
        with try_lock(lock, "me") as holder:
            assert holder == "another process"
        process.kill()
    with try_lock(lock, "me") as holder:
        assert holder is None


def test_a_platform_without_locks_goes_on_without(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "fcntl", None)
    with only_one_process(tmp_path / "lock"), try_lock(tmp_path / "lock", "me") as holder:
        assert holder is None


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
