"""Tied weights through the command line: stopped, measured later, under other masks, on two processes."""

import pytest
import torch

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from tests.small import CONFIG, curve_without_seconds, keep_both_checkpoints, level_state, run_process
from tests.test_ddp import free_port

QUICK_TIED = [
    *("fit", "--config", str(CONFIG), "--data.train_size", "200", "--data.batch_size", "50"),
    *("--model.net", "tests.networks.TiedNet", "--pruning.levels", "2", "--pruning.fraction", "0.5"),
    *("--pruning.epochs_per_level", "2", "--progress.show", "none", "--pruning.rewind_steps", "3"),
]
MEASURED = [
    *("--flatness.hessian_trace", "true", "--flatness.trace_probes", "2", "--flatness.examples", "50"),
    *("--distance.per_layer", "true"),
]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def fit(folder, *arguments):
    assert main([*QUICK_TIED, "--threads", "1", *arguments, "--run_dir", folder]) == 0


def check(folder, levels=2, dense=False):
    """All names of the tied weight hold the same, with as many zeros as the curve says."""
    for level in range(levels + 1):
        state, masks = level_state(folder, level)
        assert all(torch.equal(state[f"{name}.weight"], state["a.weight"]) for name in "bc")
        zeros = sum(int((state[name] == 0).sum()) for name in masks)
        row = read_curve(folder / "curve.csv")[level]
        assert zeros == (0 if dense else 912 - row["remaining"])


@pytest.mark.slow
def test_measured_later_and_gone_on_with_is_as_if_never_stopped(tmp_path, monkeypatch):
    keep_both_checkpoints(monkeypatch)
    fit("whole", *MEASURED)
    fit("parts", "--checkpoint.every_n_epochs", "1")
    for left in sorted((tmp_path / "parts" / "checkpoints").iterdir())[1:]:
        left.unlink()  # the one before is in mid-level
    (tmp_path / "parts" / "summary.json").unlink()
    fit("parts", *MEASURED)
    check(tmp_path / "parts")
    assert curve_without_seconds(tmp_path / "parts") == curve_without_seconds(tmp_path / "whole")
    assert "distance/a.weight" in read_curve(tmp_path / "whole" / "curve.csv")[0]
    assert "distance/b.weight" not in read_curve(tmp_path / "whole" / "curve.csv")[0]


@pytest.mark.slow
def test_a_run_under_its_masks_has_the_same_ones_and_a_redense_run_none(tmp_path):
    fit("tickets")
    fit("fresh", "--pruning.retrain", "scratch", "--pruning.masks_from", "tickets", "--pruning.rewind_steps", "0")
    check(tmp_path / "fresh")
    for level in range(3):
        masks = [level_state(tmp_path / name, level)[1] for name in ("tickets", "fresh")]
        assert all(torch.equal(mask, masks[1][name]) for name, mask in masks[0].items())
    fit("redense", "--pruning.retrain", "redense", "--pruning.masks_from", "tickets", "--pruning.rewind_steps", "0")
    check(tmp_path / "redense", dense=True)
    rows = [read_curve(tmp_path / name / "curve.csv") for name in ("tickets", "redense")]
    for sparse, before in zip(*rows, strict=True):
        assert before["test_acc_before"] == sparse["test_acc"]
        assert before["remaining"] == sparse["remaining"]


@pytest.mark.slow
def test_two_processes_do_the_work_of_one(tmp_path):
    two = ["--trainer.strategy", "ddp", "--trainer.devices", "2", "--model.optimizer.lr", "0.02"]
    done = run_process(*QUICK_TIED, *two, "--run_dir", "two", cwd=tmp_path, MASTER_PORT=free_port())
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("not pruned: fc.weight (excluded): 120 of 1,032 weights, 11.6 %") == 1
    check(tmp_path / "two")
