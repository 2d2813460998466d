"""Two processes on the CPU do the work of one."""

import os
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from sdd.analysis.curve import read_curve
from sdd.callbacks import LevelCallback
from tests.small import QUICK, level_state, run_process


class SaveMasks(LevelCallback):
    """Writes every process's own masks and weights at each level's start."""

    def on_level_start(self, trainer, pl_module, level):
        path = f"rank{trainer.global_rank}-level{level.level}.pt"
        torch.save({"masks": dict(level.masks), "start": dict(level.start)}, path)


def free_port() -> str:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return str(server.getsockname()[1])


@pytest.mark.parametrize(
    "criterion", [pytest.param(name, marks=pytest.mark.slow) for name in ("magnitude", "gradient", "synflow")]
)
def test_two_processes_finish_a_run_with_the_same_masks(tmp_path, criterion):
    arguments = [*QUICK, "--pruning.criterion", criterion, "--model.optimizer.lr", "0.02"]
    two = ["--trainer.strategy", "ddp", "--trainer.devices", "2", "--trainer.callbacks", "tests.test_ddp.SaveMasks"]
    done = run_process(*arguments, *two, "--run_dir", "two", cwd=tmp_path, MASTER_PORT=free_port())
    assert done.returncode == 0, done.stderr
    for level in range(4):
        ranks = [torch.load(tmp_path / f"rank{rank}-level{level}.pt") for rank in (0, 1)]
        for part in ("masks", "start"):
            assert all(torch.equal(ranks[0][part][name], ranks[1][part][name]) for name in ranks[0][part])
    assert sorted(os.listdir(tmp_path / "two" / "levels")) == [f"level-{level:03d}.ckpt" for level in range(4)]

    one = run_process(*arguments, "--run_dir", "one", cwd=tmp_path)
    assert one.returncode == 0, one.stderr
    rows = [read_curve(tmp_path / name / "curve.csv") for name in ("one", "two")]
    assert len(rows[1]) == 4
    # The optimizer sees the same batches; only the order of summation differs.
    assert rows[1][0]["train_loss"] == pytest.approx(rows[0][0]["train_loss"], rel=1e-4)
    single, double = (level_state(tmp_path / name, 0)[0] for name in ("one", "two"))
    for name, value in single.items():
        torch.testing.assert_close(double[name], value, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_two_processes_learn_from_one_teacher(tmp_path):
    arguments = [*QUICK, "--pruning.levels", "1", "--model.distill_from", "auto", "--model.distill_weight", "0.5"]
    arguments += ["--model.optimizer.lr", "0.02"]
    one = run_process(*arguments, "--run_dir", "one", cwd=tmp_path)
    assert one.returncode == 0, one.stderr
    two = ["--trainer.strategy", "ddp", "--trainer.devices", "2", "--run_dir", "two"]
    done = run_process(*arguments, *two, cwd=tmp_path, MASTER_PORT=free_port())
    assert done.returncode == 0, done.stderr
    single, double = (read_curve(tmp_path / name / "curve.csv") for name in ("one", "two"))
    assert [row["train_loss"] for row in double] == pytest.approx([row["train_loss"] for row in single], rel=1e-4)
    plain = run_process(*arguments, "--model.distill_weight", "0", "--run_dir", "plain", cwd=tmp_path)
    assert plain.returncode == 0, plain.stderr
    untaught = read_curve(tmp_path / "plain" / "curve.csv")[1]["train_loss"]
    assert untaught != pytest.approx(single[1]["train_loss"], rel=1e-3)


@pytest.mark.slow
def test_two_processes_that_slurm_has_started_share_a_run(tmp_path):
    arguments = [*QUICK, "--trainer.strategy", "ddp", "--trainer.devices", "2", "--run_dir", "two"]
    job = {"NTASKS": "2", "NTASKS_PER_NODE": "2", "NNODES": "1", "NODEID": "0", "JOB_ID": "1", "JOB_NAME": "train"}
    job |= {"NODELIST": "127.0.0.1"}
    slurm = {f"SLURM_{name}": value for name, value in job.items()} | {"MASTER_PORT": free_port()}

    def task(number):
        rank = {"SLURM_PROCID": number, "SLURM_LOCALID": number}
        return run_process(*arguments, cwd=tmp_path, **slurm, **rank)

    with ThreadPoolExecutor() as pool:
        first, second = pool.map(task, "01")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert len(read_curve(tmp_path / "two" / "curve.csv")) == 4
    assert "summary.json" in first.stdout


@pytest.mark.slow
def test_a_batch_that_cannot_be_split_evenly_is_refused(tmp_path):
    arguments = [*QUICK, "--data.batch_size", "51", "--trainer.strategy", "ddp", "--trainer.devices", "2"]
    done = run_process(*arguments, "--run_dir", "two", cwd=tmp_path, MASTER_PORT=free_port())
    assert done.returncode != 0
    assert "data.batch_size 51 is split over 2 processes" in done.stderr
    assert "Traceback" not in done.stderr
