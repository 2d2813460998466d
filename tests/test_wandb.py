"""W&B is needed only by its logger, and its logger needs neither account nor network when offline."""

import json
import os
import subprocess
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


@pytest.mark.slow
def test_without_its_logger_wandb_is_not_imported(tmp_path):
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


HIDDEN = """
from importlib.machinery import PathFinder
find_spec = PathFinder.find_spec
def without_wandb(name, path=None, target=None):
    return None if name.partition(".")[0] in ("wandb", "wandb_workspaces") else find_spec(name, path, target)
PathFinder.find_spec = without_wandb
"""
WITHOUT = """
import json, sys
import sdd
from sdd.__main__ import main
for words in json.loads(sys.argv[1]):
    assert main(words) == 0, words
widths = {"data.train_size": 200, "model.net.widths": [20]}
run = sdd.fit("digits_mlp", widths, pruning={"levels": 1, "epochs_per_level": 1}, run_dir="own")
assert len(sdd.load_runs([run.path, "runs"])) == 2 * 4 + 2
sdd.plot("runs", by="seed_everything").savefig("b.png")
sdd.load_level(run, 1)
sdd.evaluate(run, 1)
assert not any(name.startswith("wandb") for name in sys.modules)
for words in json.loads(sys.argv[2]):
    assert main(words) == 2, words
"""


@pytest.mark.slow
def test_where_wandb_is_not_installed_all_else_works_and_what_needs_it_says_so(tmp_path):
    """No process finds wandb, forked runs neither; the sweep that comes with sdd names its logger for agents."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text(HIDDEN)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path / 'hidden'}{os.pathsep}{PROJECT}", "HOME": str(tmp_path)}

    def python(*words):
        command = [sys.executable, *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert "No module named 'wandb'" in python("-c", "import wandb").stderr
    small = ["[[20]]" if word == "[20]" else word for word in QUICK[3:]]
    swept = ["--seed_everything", "[0, 1]", "--data.noise_rate", "[0.4]"]
    done = python("-m", "sdd", "sweep", "digits_noise_rates", "--runs", "runs", *small, *swept)
    assert done.returncode == 0, done.stdout
    works = [
        [*QUICK, "--run_dir", "run"],
        ["test", "--config", "run/config.yaml", "--ckpt_path", "run/levels/level-003.ckpt"],
        ["report", "runs", "run"],
        ["analyze", "runs"],
        ["plot", "runs", "--out", "a.pdf"],
        ["status", "runs"],
        ["interpolate", "run:0", "run:1", "--points", "3", "--examples", "100"],
        ["clean", "runs", "--dry_run"],
        ["data", "--config", "digits_mlp"],
        ["reproduce", "--list", "4"],
    ]
    refused = [[*QUICK, "--trainer.logger", "WandbLogger"], ["dashboard", "me/sdd"]]
    done = python("-c", WITHOUT, json.dumps(works), json.dumps(refused))
    assert done.returncode == 0, done.stderr
    told = done.stderr.splitlines()[-len(refused) :]
    assert all(line.startswith("sdd: error: ") and "wandb" in line for line in told)
    assert not list(tmp_path.rglob("wandb"))


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
