"""Runs of a sweep that are forked: the same files as a new process makes, and nothing imported twice."""

import json
import os
import shlex
from pathlib import Path

import pytest

from sdd.bench.sweeps import time_sweep
from sdd.processes import ForkServer, can_fork
from sdd.sweep.fit_servers import IMPORTED
from sdd.sweep.local_engine import cores
from tests.small import PROJECT, QUICK, curve_without_seconds, run_process

SAME = ["settings.json", "config.yaml", "data.json", "environment.json", "columns.json", "levels/level-000.ckpt"]

# A run that notes what it has imported itself, of the libraries that take long.
NOTING = """
import sys

def main(arguments):
    before = set(sys.modules)
    from sdd.__main__ import main as run
    status = run(arguments)
    slow = {"torch", "torchvision", "lightning", "jsonargparse", "sklearn", "scipy", "pandas", "matplotlib"}
    late = {name for name in set(sys.modules) - before if name.partition(".")[0] in slow}
    print("late:", *sorted(late))
    return status
"""


@pytest.mark.slow
def test_a_forked_run_writes_what_a_new_process_writes(tmp_path):
    times = time_sweep(tmp_path, 2, levels=2, epochs=1, threads=None)
    assert 0 < times.levels < times.wall
    assert times.levels < times.cpu
    assert times.ratio == times.wall / times.levels
    base = tmp_path / "runs" / "tiny"
    (log,) = (base / "logs").glob("*-s1-*")
    command = shlex.split(log.read_text().splitlines()[0])
    arguments = [word for word in command[4:] if not word.startswith("--run_dir")]
    threads = str(cores())
    new = run_process(*arguments, "--run_dir=new", cwd=tmp_path, OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads)
    assert new.returncode == 0, new.stderr
    (forked,) = (path for path in base.glob("*-s1-*") if path.is_dir())
    assert curve_without_seconds(forked) == curve_without_seconds(tmp_path / "new")
    here = f"run_dir: {forked.relative_to(tmp_path)}\n".encode()
    for name in SAME:
        assert (forked / name).read_bytes().replace(here, b"run_dir: new\n") == (tmp_path / "new" / name).read_bytes()
    assert json.loads((forked / "environment.json").read_text())["threads"] == cores()
    with pytest.raises(Exception, match="give a new folder"):
        time_sweep(tmp_path, 1, levels=2, epochs=1, threads=None)


@pytest.mark.slow
@pytest.mark.skipif(not can_fork(), reason="processes are not copied here")
def test_a_forked_run_finds_all_that_takes_long_imported(tmp_path):
    (tmp_path / "noting.py").write_text(NOTING)
    paths = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
    server = ForkServer(IMPORTED, Path(tmp_path), os.environ | {"PYTHONPATH": paths})
    with (tmp_path / "log").open("wb", buffering=0) as output:
        run = server.client().start("noting", [*QUICK, "--run_dir", "run"], output.fileno(), output.fileno())
        assert run.wait(120) == 0
    server.close()
    late = (tmp_path / "log").read_text().splitlines()[-1].split()
    assert late[0] == "late:"
    assert len(late[1:]) <= 8, late
