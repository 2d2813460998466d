"""W&B is needed only by its logger, and its logger needs neither account nor network when offline."""

import sys
from pathlib import Path

import pytest

from tests.small import PROJECT, QUICK, curve_without_seconds, run_process

BLOCK = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "wandb":
            raise ImportError("wandb is blocked")
sys.meta_path.insert(0, Blocker())
from sdd.__main__ import main
code = main(sys.argv[1:])
assert "wandb" not in sys.modules
sys.exit(code)
"""


def test_without_its_logger_wandb_is_not_imported(tmp_path):
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", BLOCK, *QUICK, "--run_dir", "run"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "summary.json").exists()


@pytest.mark.slow
def test_its_logger_works_offline_and_changes_no_number(tmp_path):
    arguments = [*QUICK, "--trainer.logger", "WandbLogger", "--trainer.logger.offline", "true"]
    arguments += ["--trainer.logger.project", "sdd-tests"]
    no_account = {"HOME": str(tmp_path), "WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    done = run_process(*arguments, "--run_dir", "watched", cwd=tmp_path, **no_account)
    assert done.returncode == 0, done.stderr
    assert run_process(*QUICK, "--run_dir", "alone", cwd=tmp_path).returncode == 0
    assert curve_without_seconds(tmp_path / "watched") == curve_without_seconds(tmp_path / "alone")
    (run,) = (tmp_path / "watched" / "wandb").glob("offline-run-*/run-*.wandb")
    content = run.read_bytes()
    for name in ("test_acc", "memorized", "distance", "distance_init", "sparsity", "train_acc_kept"):
        assert name.encode() in content
    assert not (tmp_path / "wandb").exists(), "everything belongs into the run's folder"


def test_per_level_metrics_have_what_remains_as_their_axis(tmp_path, monkeypatch):
    """Watches what the recorder tells W&B, with the real logger and client offline."""
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    from tests.small import small_run

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.chdir(tmp_path)
    logger = WandbLogger(save_dir=tmp_path, offline=True, project="sdd-tests")
    defined = {}
    real = logger.experiment.define_metric
    monkeypatch.setattr(
        type(logger.experiment),
        "define_metric",
        lambda self, name, **arguments: (defined.setdefault(name, arguments), real(name, **arguments))[1],
    )
    small_run(tmp_path / "run", logger=logger)
    wandb.finish()
    assert defined["sparsity"] == defined["remaining_fraction"] == {}
    for name in ("test_acc", "train_acc", "memorized", "distance", "remaining", "seconds", "level", "depth"):
        assert defined[name] == {"step_metric": "remaining_fraction"}
    assert Path(tmp_path / "run" / "summary.json").exists()
