"""Which process of a run this is: as Lightning's launchers say where several work on it, else the only one."""

import socket

import pytest
from jsonargparse import Namespace

from sdd.cli.rank import note_process
from sdd.console import is_first_process, process_count
from sdd.errors import UserError

SLURM = {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_PROCID": "1", "SLURM_JOB_NAME": "train"}
TORCHRUN = {"TORCHELASTIC_RUN_ID": "x", "RANK": "0", "WORLD_SIZE": "3"}
LSF = {"LSB_JOBID": "1", "LSB_DJOB_RANKFILE": "hosts", "JSM_NAMESPACE_LOCAL_RANK": "0", "JSM_NAMESPACE_RANK": "1"}
LSF |= {"JSM_NAMESPACE_SIZE": "2"}
TWO = {"strategy": "ddp", "devices": 2}


@pytest.mark.parametrize(
    ("environment", "trainer", "first", "count"),
    [
        ({}, TWO, True, 1),
        (SLURM, TWO, False, 2),
        (SLURM | {"SLURM_PROCID": "0"}, TWO, True, 2),
        (SLURM, {"num_nodes": 2}, False, 2),
        (SLURM, {"devices": [0, 1]}, False, 2),
        (SLURM, {"devices": "2"}, False, 2),
        (SLURM, {"devices": "0,1"}, False, 2),
        (SLURM, {"devices": "1"}, True, 1),  # one of several runs that srun has started
        (SLURM, {}, True, 1),
        (SLURM | {"SLURM_JOB_NAME": "bash"}, TWO, True, 1),  # Lightning starts the other itself
        (SLURM | {"SLURM_JOB_NAME": "bash", "LOCAL_RANK": "1", "WORLD_SIZE": "2"}, TWO, False, 2),
        (SLURM | TORCHRUN, TWO, True, 3),
        (TORCHRUN | {"RANK": "2"}, TWO, False, 3),
        (TORCHRUN | {"RANK": "2"}, {}, True, 1),
        (LSF, TWO, False, 2),
    ],
)
def test_rank_and_number_of_processes(environment, trainer, first, count, tmp_path, monkeypatch):
    monkeypatch.setattr("sdd.console._process", (None, None))
    for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts").write_text("\n".join(["batch", *[socket.gethostname()] * 2]))
    for name in ("MASTER_ADDR", "MASTER_PORT"):  # which LSFEnvironment sets
        monkeypatch.setenv(name, "29500")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    note_process(Namespace({"strategy": "auto", "devices": "auto", "num_nodes": 1, "accelerator": "cpu"} | trainer))
    assert is_first_process() == first
    assert process_count() == count


def test_what_lightning_does_not_take_is_a_line(monkeypatch):
    monkeypatch.setattr("sdd.console._process", (None, None))
    for name, value in {"SLURM_NTASKS": "2", "SLURM_PROCID": "1", "SLURM_JOB_NAME": "train"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=r"SLURMEnvironment raised RuntimeError: .*--ntasks-per-node=2"):
        note_process(Namespace(strategy="ddp", devices=2, num_nodes=1, accelerator="cpu"))
