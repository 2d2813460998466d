"""`python -m sdd status`: what it says of runs in every state."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdd.__main__ import main
from sdd.runs.folder import RunFolder
from sdd.status.look import look_at
from tests.small import PROJECT, QUICK
from tests.wandb_client.client import wait_for

RUN = [*QUICK, "--pruning.levels", "2", "--pruning.epochs_per_level", "1", "--preflight", "false"]
LONG_AGO = 1_600_000_000


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("status") / "runs"
    assert main([*RUN, "--run_dir", str(place / "done")]) == 0
    return place


@pytest.fixture
def runs(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "runs")


def unfinished(runs, name, holder, *, rows=2, written=LONG_AGO):
    """A run with some levels, that a process held last, and whose files are of some moment."""
    path = shutil.copytree(runs / "done", runs / name)
    (path / "summary.json").unlink()
    (path / "checksums.json").unlink()
    lines = (path / "curve.csv").read_text().splitlines(keepends=True)
    (path / "curve.csv").write_text("".join(lines[: rows + 1]))
    (path / ".lock").write_text(holder)
    for one in (*path.rglob("*"), path):
        os.utime(one, (written, written))
    return RunFolder(path)


def ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_each_state_is_told_from_the_others(runs):
    here, elsewhere = socket.gethostname(), "some-other-host"
    finished = look_at(RunFolder(runs / "done"))
    assert (finished.word, finished.done, finished.levels, finished.left) == ("finished", 3, 3, 0)
    assert "double descent" in finished.told
    dead = look_at(unfinished(runs, "dead", f"{here}, process {ended_process()}", written=time.time()))
    assert (dead.word, dead.done, dead.levels) == ("stopped", 2, 3)
    assert look_at(unfinished(runs, "reused", f"{here}, process 1")).word == "stopped", "its number is another's now"
    assert look_at(unfinished(runs, "far", f"{elsewhere}, process 1")).word == "stopped"
    assert look_at(unfinished(runs, "heard", f"{elsewhere}, process 1", written=time.time() - 10)).word == "at work"
    silent = look_at(unfinished(runs, "far2", f"{elsewhere}, process 1", written=time.time() - 200))
    assert silent.word == "stopped"
    assert silent.silence == pytest.approx(200, abs=30)
    (runs / "done" / "curve.csv").write_text("level\n")
    damaged = look_at(RunFolder(runs / "done"))
    assert damaged.word == "damaged"
    assert "curve.csv" in damaged.told


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a lock")
def test_a_process_that_holds_the_folder_is_at_work_however_long_it_is_silent_and_whatever_it_is_called(
    runs, monkeypatch
):
    monkeypatch.setattr("sdd.status.look._may_train", lambda _: False)  # a notebook's
    folder = unfinished(runs, "notebook", "")
    with folder.owned():
        for path in (*folder.path.rglob("*"), folder.path):
            os.utime(path, (LONG_AGO, LONG_AGO))
        assert look_at(folder).word == "at work"
    assert look_at(folder).word == "stopped"


def test_folders_that_may_not_be_read_or_are_being_removed_are_no_traceback(runs, monkeypatch, capsys):
    real = Path.iterdir

    def refused(path):
        if path.name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied")
        if path.name == "going":
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return real(path)

    for name in ("closed", "going"):
        (runs / name).mkdir()
    monkeypatch.setattr(Path, "iterdir", refused)
    assert main(["status", str(runs)]) == 2
    assert capsys.readouterr().err == f"sdd: error: {runs / 'closed'} cannot be read: Permission denied\n"
    (runs / "closed").rmdir()
    assert main(["status", str(runs)]) == 0
    monkeypatch.setattr(Path, "iterdir", lambda _: refused(runs / "going"))
    assert look_at(RunFolder(runs / "done")).silence < 1000


def test_the_time_left_is_that_of_the_levels_to_come(runs):
    folder = unfinished(runs, "heard", "some-other-host, process 1", rows=1, written=time.time())
    (row,) = (line.split(",") for line in folder.curve.read_text().splitlines()[1:])
    seconds = float(row[folder.curve.read_text().splitlines()[0].split(",").index("seconds")])
    assert look_at(folder).left == pytest.approx(2 * seconds)


def test_the_table_and_its_sum(runs, capsys):
    unfinished(runs, "dead", f"{socket.gethostname()}, process {ended_process()}")
    assert main(["status", str(runs)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[0] == "run"
    assert [line.split()[1] for line in lines[1:3]] == ["stopped", "finished"]
    assert lines[-1] == "2 runs: 1 stopped, 1 finished; 5 of 6 levels"
    assert main(["status", str(runs), "--watch"]) == 0, "nobody is at work, so it ends"
    assert main(["status", str(runs / "none")]) == 2
    assert main(["status", str(runs), "--watch", "0"]) == 2


@pytest.mark.slow
def test_a_living_run_is_at_work_and_a_killed_one_stopped(tmp_path):
    long = [*RUN, "--pruning.levels", "9", "--pruning.epochs_per_level", "2000", "--run_dir", str(tmp_path / "run")]
    paths = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen([sys.executable, "-m", "sdd", *long], env=os.environ | {"PYTHONPATH": paths})
    folder = RunFolder(tmp_path / "run")
    try:
        wait_for(lambda: folder.settings_file.exists(), "the start")
        assert look_at(folder).word == "at work"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert look_at(folder).word == "stopped"
