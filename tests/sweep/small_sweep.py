"""Sweep files whose runs take a second, and the processes that a sweep leaves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

from sdd.__main__ import main
from tests.small import PROJECT, QUICK, curve_without_seconds

# 31 levels of 40 epochs, a few seconds: long enough to be stopped in the middle.
LONGER = ["--pruning.levels", "30", "--pruning.fraction", "0.1", "--pruning.epochs_per_level", "40"]

MARK = "SDD_TEST_SWEEP"


def write_sweep(folder, parameters, *extra, name="small.yaml"):
    """Write a sweep file over `QUICK`; returns its path."""
    command = ["${env}", "python", "-m", "${program}", *QUICK, "--trainer.logger", "WandbLogger", *extra, "${args}"]
    path = Path(folder) / name
    path.write_text(yaml.safe_dump({"program": "sdd", "method": "grid", "command": command, "parameters": parameters}))
    return path


def start_sweep(*arguments, cwd, mark, **environment):
    """Start `python -m sdd sweep`; all processes that come of it carry the mark in their environment."""
    paths = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", "sdd", "sweep", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": paths, MARK: mark} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def undisturbed(folder, seed, *extra):
    """Return the curve of a plain `fit` of the same settings, made in this process."""
    path = Path(folder) / f"undisturbed-{seed}"
    assert main([*QUICK, *extra, "--seed_everything", str(seed), "--run_dir", str(path)]) == 0
    return curve_without_seconds(path)


def run_sweep(*arguments, cwd, **environment):
    """Run it to its end; returns its exit status, standard output and standard error."""
    process = start_sweep(*arguments, cwd=cwd, mark="", **environment)
    out, err = process.communicate(timeout=170)
    return process.returncode, out, err


def processes(mark):
    """Return the command lines of living processes that carry the mark, by process number."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() not in (entry / "environ").read_bytes().split(b"\0"):
                continue
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if command:  # a zombie has none
            found[int(entry.name)] = command.replace(b"\0", b" ").decode()
    return found


def fits(mark, sweep):
    """Return the numbers of the living processes of runs: all but the sweep and the server that it has started."""
    found = processes(mark)
    server = {pid for pid, command in found.items() if "sdd.fork_server" in command and parent(pid) == sweep.pid}
    return [pid for pid in found if pid != sweep.pid and pid not in server]


def parent(pid):
    """Return the number of a process's parent; None where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def wait_until(happened, what, seconds=60):
    """Return what `happened` returns as soon as that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := happened():
            return result
        time.sleep(0.05)
    raise AssertionError(f"no {what} within {seconds} s")


def kill_all(mark):
    """End what a failed test has left."""
    for number in processes(mark):
        os.kill(number, signal.SIGKILL)
