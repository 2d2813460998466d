"""Lock files: one holder at a time, none where the file system has no locks, and folders that vanish under a holder."""

import errno
import os
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

from sdd import locks
from sdd.files import write_atomically
from sdd.locks import LostFolderError, check_there, only_one_process, try_lock

needs_locks = pytest.mark.skipif(locks.fcntl is None, reason="this platform has no flock")

HOLD_A_LOCK = """
import sys
from pathlib import Path
from sdd.locks import try_lock
with try_lock(Path(sys.argv[1]), "another process"):
    print("held", flush=True)
    sys.stdin.read()
"""


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
    monkeypatch.setattr(locks, "fcntl", None)
    with only_one_process(tmp_path / "lock"), try_lock(tmp_path / "lock", "me") as holder:
        assert holder is None


@needs_locks
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_said_once(tmp_path, monkeypatch, capsys, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    for _ in range(2):
        with only_one_process(tmp_path / "lock"), try_lock(tmp_path / "lock", "me") as holder:
            assert holder is None
            write_atomically(tmp_path / "file", "x")
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{tmp_path} has no locks ({os.strerror(number)})" in line


@needs_locks
def test_other_errors_of_a_lock_are_raised(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(locks.fcntl, "flock", fail)
    with pytest.raises(OSError, match="broken"), try_lock(tmp_path / "lock", "me"):
        pass


def deleted(folder):
    shutil.rmtree(folder)


def moved(folder):
    folder.rename(folder.with_name("moved"))


def replaced(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "lock").touch()


@pytest.mark.parametrize("vanishes", [deleted, moved, replaced])
@pytest.mark.parametrize("name", ["file", "deep/file"])
def test_nothing_is_written_where_a_folder_in_work_was(tmp_path, monkeypatch, vanishes, name):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    with try_lock(folder.relative_to(tmp_path) / "lock", "me"):
        write_atomically(folder / name, "before")
        vanishes(folder)
        left = sorted(folder.rglob("*"))
        with pytest.raises(
            LostFolderError, match=r"folder, in which this process works, .* deleted, moved or replaced"
        ):
            write_atomically(folder / name, "after")
        assert sorted(folder.rglob("*")) == left
        assert folder.exists() == (vanishes is replaced)
        write_atomically(tmp_path / "elsewhere", "x")
    check_there(folder)  # nobody works in it any more
