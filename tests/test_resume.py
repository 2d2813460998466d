"""A killed run, started again, ends as if it had never stopped."""

import random
import shutil
import signal
import subprocess
import sys
import time

import lightning.pytorch as pl
import pytest
import torch

from sdd.__main__ import main
from sdd.callbacks import AccuracyMeasures, LevelCallback, RunCheckpoint
from tests.small import (
    QUICK,
    NormNet,
    curve_without_seconds,
    keep_both_checkpoints,
    run_process,
    small_data,
    small_run,
)


class KillAt(LevelCallback):
    """Kills the process without warning, once, at a moment that its arguments name.

    Args:
        moment: `batch` (in the middle of an epoch), `level_start`, `measure` or `level_end`.
        epoch: In which epoch.
        flag: A file that is made before the kill, so that the next process lives.
    """

    def __init__(self, moment: str, epoch: int, flag: str) -> None:
        self.moment, self.epoch, self.flag = moment, epoch, flag

    def shorten(self):
        self.epoch = None  # the run itself is killed, not the trial before it

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if batch_idx == 2:
            self._kill("batch", trainer)

    def on_level_start(self, trainer, pl_module, level):
        self._kill("level_start", trainer)

    def measure_level(self, trainer, pl_module, level):
        self._kill("measure", trainer)
        return {}

    def on_level_end(self, trainer, pl_module, level, measures):
        self._kill("level_end", trainer)

    def _kill(self, moment, trainer):
        import os
        from pathlib import Path

        if moment == self.moment and trainer.current_epoch == self.epoch and not Path(self.flag).exists():
            Path(self.flag).touch()
            os.kill(os.getpid(), signal.SIGKILL)


# Everything that keeps state: rewinding to a later step, a schedule, momentum, gradient batches.
RUN = [
    *QUICK,
    "--pruning.rewind_steps",
    "5",
    "--pruning.criterion",
    "gradient",
    "--model.lr_scheduler",
    "torch.optim.lr_scheduler.StepLR",
    "--model.lr_scheduler.step_size",
    "2",
    "--checkpoint.every_n_epochs",
    "1",
    "--flatness.sharpness",
    "true",
    "--flatness.loss_curves",
    "true",
    "--flatness.examples",
    "50",
    "--distance.path",
    "true",
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert run_process(*RUN, "--run_dir", "run", cwd=folder).returncode == 0
    return results(folder / "run")


def results(folder):
    """Return everything that a run measured, but for the seconds."""
    tables = [(folder / name).read_text() for name in ("loss_curves.csv", "distance_path.csv")]
    return curve_without_seconds(folder), tables


def killed_and_resumed(folder, arguments):
    first = run_process(*arguments, cwd=folder)
    assert first.returncode == -signal.SIGKILL, first.stderr
    second = run_process(*arguments, cwd=folder)
    assert second.returncode == 0, second.stderr
    return second


@pytest.mark.parametrize(
    ("moment", "epoch"),
    [
        # Level 0 has epochs 0 to 2; level 1 begins in the middle of its second one: epochs 3 and 4; and so on.
        pytest.param("batch", 7, marks=pytest.mark.slow),
        pytest.param("batch", 0, marks=pytest.mark.slow),
        pytest.param("batch", 1, marks=pytest.mark.slow),
        pytest.param("batch", 4, marks=pytest.mark.slow),
        pytest.param("level_start", 3, marks=pytest.mark.slow),
        pytest.param("level_start", 5, marks=pytest.mark.slow),
        pytest.param("measure", 6, marks=pytest.mark.slow),
        pytest.param("level_end", 2, marks=pytest.mark.slow),
        pytest.param("level_end", 6, marks=pytest.mark.slow),
        pytest.param("level_end", 8, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("every", ["null", pytest.param("1", marks=pytest.mark.slow)])
def test_a_kill_at_a_named_moment_changes_nothing(tmp_path, whole, moment, epoch, every):
    callback = ["--trainer.callbacks", "tests.test_resume.KillAt", "--trainer.callbacks.moment", moment]
    callback += ["--trainer.callbacks.epoch", str(epoch), "--trainer.callbacks.flag", str(tmp_path / "killed")]
    killed_and_resumed(tmp_path, [*RUN, "--checkpoint.every_n_epochs", every, "--run_dir", "run", *callback])
    assert results(tmp_path / "run") == whole


@pytest.mark.slow
@pytest.mark.parametrize("number", range(5))
def test_kills_at_random_moments_change_nothing(tmp_path, whole, number):
    random.seed(number)
    arguments = [*RUN, "--run_dir", "run"]
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-m", "sdd", *arguments],
            cwd=tmp_path,
            env=None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Wait until training has begun, then for a random moment of it.
        end = time.monotonic() + 60
        while not (tmp_path / "run" / "settings.json").exists() and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 1.5))
        process.kill()
        process.wait()
    last = run_process(*arguments, cwd=tmp_path)
    assert last.returncode == 0, last.stderr
    assert results(tmp_path / "run") == whole


@pytest.mark.parametrize(
    ("retrain", "last"),
    [
        ("finetune", 7),
        ("lr_rewind", 6),
        pytest.param("scratch", 7, marks=pytest.mark.slow),
        pytest.param("lottery --pruning.criterion synflow", 6, marks=pytest.mark.slow),
        pytest.param("lottery --pruning.arithmetic sparse", 6, marks=pytest.mark.slow),
    ],
)
def test_every_retraining_mode_resumes_in_mid_level(tmp_path, monkeypatch, capsys, retrain, last):
    monkeypatch.chdir(tmp_path)
    arguments = [*RUN, "--pruning.retrain", *retrain.split()]
    assert main([*arguments, "--run_dir", "whole"]) == 0

    def interrupt(self, moment, trainer):
        if moment == "batch" and trainer.current_epoch == last:
            raise KeyboardInterrupt

    callback = ["--trainer.callbacks", "tests.test_resume.KillAt", "--trainer.callbacks.moment", "batch"]
    callback += ["--trainer.callbacks.epoch", str(last), "--trainer.callbacks.flag", "flag"]
    with monkeypatch.context() as patch:
        patch.setattr(KillAt, "_kill", interrupt)
        assert main([*arguments, "--run_dir", "stopped", *callback]) == 130
    assert "interrupted" in capsys.readouterr().err
    (tmp_path / "flag").touch()
    assert len(curve_without_seconds(tmp_path / "stopped")) == 3
    assert main([*arguments, "--run_dir", "stopped", *callback]) == 0
    assert results(tmp_path / "stopped") == results(tmp_path / "whole")


def test_a_truncated_checkpoint_falls_back_to_the_one_before(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    keep_both_checkpoints(monkeypatch)
    arguments = [*RUN, "--run_dir", "run"]
    assert main(arguments) == 0
    expected = curve_without_seconds(tmp_path / "run")
    (tmp_path / "run" / "summary.json").unlink()
    newest = max((tmp_path / "run" / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    (tmp_path / "run" / "curve.csv").write_text("")
    assert main(arguments) == 0
    shown = capsys.readouterr().err
    assert f"{newest.name} is damaged" in shown
    assert curve_without_seconds(tmp_path / "run") == expected
    assert (tmp_path / "run" / "summary.json").exists()


def test_without_any_readable_checkpoint_nothing_is_lost(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = [*RUN, "--run_dir", "run"]
    assert main(arguments) == 0
    (tmp_path / "run" / "summary.json").unlink()
    before = (tmp_path / "run" / "curve.csv").read_bytes()
    for path in (tmp_path / "run" / "checkpoints").iterdir():
        path.write_bytes(b"PK")
    assert main(arguments) == 2
    line = capsys.readouterr().err
    assert "delete that folder" in line.splitlines()[-1]
    assert (tmp_path / "run" / "curve.csv").read_bytes() == before


def test_a_folder_that_is_deleted_under_a_run_ends_it_and_stays_away(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    measure = AccuracyMeasures.measure_level

    def deleting(self, trainer, module, level):
        if level.level == 1:
            shutil.rmtree("run")
        return measure(self, trainer, module, level)

    monkeypatch.setattr(AccuracyMeasures, "measure_level", deleting)
    assert main([*RUN, "--preflight", "false", "--run_dir", "run"]) == 2
    assert "run, in which this process works, or .lock" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_two_processes_cannot_work_in_one_folder(tmp_path, monkeypatch, capsys):
    from sdd.runs.folder import RunFolder

    monkeypatch.chdir(tmp_path)
    with RunFolder("run").owned():
        code = run_process(*RUN, "--run_dir", "run", cwd=tmp_path)
    assert code.returncode == 2
    assert "being worked on by another process" in code.stderr


@pytest.mark.slow
def test_resuming_with_other_threads_keeps_those_of_the_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [*RUN, "--threads", "null", "--run_dir", "run"]
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert main(arguments) == 0
        (tmp_path / "run" / "summary.json").unlink()
        torch.set_num_threads(2)
        assert main(arguments) == 0
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)


class BreakOnce(pl.Callback):
    """Ends the training by an error in an epoch that is not a level's last."""

    decides_numbers = False

    def on_train_epoch_end(self, trainer, pl_module):
        if trainer.current_epoch == 4:
            raise RuntimeError("broken")


@pytest.mark.slow
def test_a_compiled_run_that_was_broken_off_has_the_curve_of_an_undisturbed_one(tmp_path):
    options = {"build": NormNet, "compile_args": {"dynamic": None}, "levels": 1, "epochs_per_level": 3}
    batches = {"batch_size": 30}  # the last one has another size, so that the network is compiled twice
    small_run(tmp_path / "whole", data=small_data(**batches), **options)
    torch.compiler.reset()
    checkpoint = RunCheckpoint(every_n_epochs=1)
    with pytest.raises(RuntimeError, match="broken"):
        small_run(tmp_path / "run", BreakOnce(), checkpoint, data=small_data(**batches), **options)
    torch.compiler.reset()  # as in a new process
    newest = tmp_path / "run" / "checkpoints" / "epoch-000004.ckpt"
    _, module, _ = small_run(tmp_path / "run", data=small_data(**batches), ckpt_path=newest, **options)
    assert module._compiled is not None
    assert curve_without_seconds(tmp_path / "run") == curve_without_seconds(tmp_path / "whole")
