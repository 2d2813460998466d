"""The Slurm script, run by bash with stand-ins for Slurm's and W&B's programs."""

import os
import shutil
import signal
import subprocess
import sys
import uuid

import pytest

from tests.small import PROJECT, curve_without_seconds
from tests.sweep.small_sweep import LONGER, MARK, kill_all, processes, undisturbed, wait_until, write_sweep

SCRIPT = PROJECT / "sweeps" / "slurm.sh"

# Says what it was called with, then lives until it is asked to end.
AGENT = """\
import os, signal, sys, time
def end(number, frame):
    os.write(1, b"agent ends\\n")
    sys.exit(0)
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"agent passes SIGUSR1 on\\n"))
signal.signal(signal.SIGTERM, signal.SIG_IGN if "--deaf" in sys.argv else end)
print("agent", *sys.argv[1:], flush=True)
time.sleep(0 if "--quick" in sys.argv else 60)
sys.exit(3 if "--fails" in sys.argv else 0)
"""


@pytest.fixture
def slurm(tmp_path):
    """Start the script as Slurm does a task of an array; ends what is left of it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "wandb").write_text(f"#!{sys.executable}\n{AGENT}")
    (programs / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/scontrol.log\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    mark, started = uuid.uuid4().hex, []

    def start(*arguments, **environment):
        task = {"SLURM_JOB_ID": "71", "SLURM_ARRAY_JOB_ID": "70", "SLURM_ARRAY_TASK_ID": "1", "SLURM_NTASKS": "1"}
        task |= {"SLURM_JOB_NAME": "sdd", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
        paths = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
        task |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHON": sys.executable, "PYTHONPATH": paths}
        process = subprocess.Popen(
            ["bash", SCRIPT, *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | task | {MARK: mark} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.mark = mark
        started.append(process)
        return process

    yield start
    kill_all(mark)
    for process in started:
        process.communicate()


def requeued(folder):
    log = folder / "scontrol.log"
    return log.read_text().splitlines() if log.exists() else []


def test_shellcheck_finds_nothing():
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    found = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize("arguments", [[], ["sweep"], ["agent"], ["walk", "x.yaml"]])
def test_a_wrong_call_shows_the_usage(slurm, arguments):
    process = slurm(*arguments)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 2
    assert err.startswith("usage: sbatch --array")


def test_a_task_is_an_agent_and_ends_as_it_does(slurm, tmp_path):
    process = slurm("agent", "me/sdd/abc", "--quick", "--fails")
    out, _ = process.communicate(timeout=10)
    assert out == "agent agent --forward-signals me/sdd/abc --quick --fails\n"
    assert process.returncode == 3
    assert requeued(tmp_path) == []


def test_when_time_is_up_the_agent_is_stopped_and_the_task_queued_again(slurm, tmp_path):
    process = slurm("agent", "me/sdd/abc")
    assert process.stdout.readline().startswith("agent agent")
    process.send_signal(signal.SIGUSR1)
    out, _ = process.communicate(timeout=10)
    assert out.splitlines() == ["agent passes SIGUSR1 on", "agent ends", "slurm.sh: time is up; queueing 70_1 again"]
    assert requeued(tmp_path) == ["requeue 70_1"]
    assert processes(process.mark) == {}


def test_outside_an_array_the_job_itself_is_queued_again(slurm, tmp_path):
    process = slurm("agent", "me/sdd/abc", SLURM_ARRAY_JOB_ID="")
    process.stdout.readline()
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=10)
    assert requeued(tmp_path) == ["requeue 71"]


def test_an_agent_that_does_not_listen_does_not_keep_the_task_from_being_queued_again(slurm, tmp_path):
    process = slurm("agent", "me/sdd/abc", "--deaf", SDD_SLURM_GRACE="1")
    process.stdout.readline()
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=10)
    assert requeued(tmp_path) == ["requeue 70_1"]
    assert processes(process.mark) == {}


def test_a_cancelled_task_stops_and_stays_cancelled(slurm, tmp_path):
    process = slurm("agent", "me/sdd/abc")
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=10)
    assert out == "agent passes SIGUSR1 on\nagent ends\n"
    assert requeued(tmp_path) == []


@pytest.mark.slow
def test_a_sweep_is_stopped_queued_again_and_ends_as_if_undisturbed(slurm, tmp_path):
    write_sweep(tmp_path, {"seed_everything": {"value": 0}}, *LONGER)
    first = slurm("sweep", "small.yaml")
    wait_until(lambda: list(tmp_path.glob("runs/small/*/curve.csv")), "level")
    first.send_signal(signal.SIGUSR1)
    out, err = first.communicate(timeout=30)
    assert first.returncode == 143, err
    assert "sweep stopped by SIGTERM" in err
    assert requeued(tmp_path) == ["requeue 70_1"]
    assert processes(first.mark) == {}
    again = slurm("sweep", "small.yaml")
    out, err = again.communicate(timeout=170)
    assert again.returncode == 0, err
    assert "1 run: 1 finished" in out
    (folder,) = tmp_path.glob("runs/small/digits*")
    assert curve_without_seconds(folder) == undisturbed(tmp_path, 0, *LONGER)
    assert requeued(tmp_path) == ["requeue 70_1"]
