"""Every logger gets every row once, whatever was resumed, taken over or finished before."""

import csv
from pathlib import Path

import pytest
from lightning.pytorch.loggers import CSVLogger, WandbLogger

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.tracking.curve_log import CurveLog
from tests.small import QUICK, small_run


class FakeExperiment:
    """What a W&B run knows when it is gone on with, and what it is told."""

    def __init__(self, summary):
        self.summary, self.axes, self.told = dict(summary), {}, []

    def define_metric(self, name, **arguments):
        self.axes[name] = arguments.get("step_metric")


@pytest.fixture
def wandb_logger(monkeypatch):
    def make(summary):
        logger, experiment = WandbLogger(offline=True), FakeExperiment(summary)
        monkeypatch.setattr(WandbLogger, "experiment", experiment)
        monkeypatch.setattr(logger, "log_metrics", lambda row, step=None: experiment.told.append((row["level"], step)))
        return logger, experiment

    return make


ROWS = [
    {"level": level, "sparsity": level / 4, "remaining_fraction": 1 - level / 4, "test_acc": 0.5} for level in range(4)
]


@pytest.mark.parametrize(("summary", "levels"), [({}, [0, 1, 2, 3]), ({"level": 1}, [2, 3]), ({"level": 3}, [])])
def test_a_wandb_run_gets_the_rows_that_it_lacks(wandb_logger, summary, levels):
    logger, experiment = wandb_logger(summary)
    log = CurveLog(logger)
    for row in [*ROWS, ROWS[-1]]:
        log.send(row, step=10)
    assert experiment.told == [(level, 10) for level in levels]
    if levels:
        measured = dict.fromkeys(("level", "test_acc", "best_test_acc", "depth"), "remaining_fraction")
        assert experiment.axes == {"sparsity": None, "remaining_fraction": None, **measured}


def test_what_an_earlier_version_did_not_send_is_sent_later_with_the_axes(wandb_logger, monkeypatch):
    logger, experiment = wandb_logger({"level": 3})
    sent = []
    monkeypatch.setattr(logger, "log_metrics", lambda row, step=None: sent.append(row))
    log = CurveLog(logger)
    for row in ROWS:
        log.send(row, added=["remaining_fraction"] if row["level"] < 2 else ())
    assert sent == [{"sparsity": 0.0, "remaining_fraction": 1.0}, {"sparsity": 0.25, "remaining_fraction": 0.75}]
    assert experiment.axes == {"sparsity": None, "remaining_fraction": None}


def _logged(file: Path) -> list[tuple[int, float, int]]:
    """Return level, test accuracy and step of the rows of levels; other rows are those of epochs."""
    with file.open() as content:
        rows = [row for row in csv.DictReader(content) if row["level"]]
    return [(int(float(row["level"])), float(row["test_acc"]), int(row["step"])) for row in rows]


@pytest.mark.slow
def test_a_dense_level_of_another_run_is_logged_too(tmp_path):
    logger = ["--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", ".", "--run_dir", str(tmp_path / "run")]
    assert main([*QUICK, "--pruning.dense_from", str(tmp_path / "dense"), *logger]) == 0
    curve = read_curve(tmp_path / "run" / "curve.csv")
    # 4 steps an epoch, 3 epochs a level.
    expected = [(row["level"], row["test_acc"], 12 * (row["level"] + 1)) for row in curve]
    assert _logged(tmp_path / "run" / "lightning_logs" / "version_0" / "metrics.csv") == expected


def test_a_plain_run_logs_each_level_once(tmp_path):
    small_run(tmp_path / "run", logger=CSVLogger(tmp_path, name="log", version="x"))
    curve = read_curve(tmp_path / "run" / "curve.csv")
    expected = [(row["level"], row["test_acc"], 8 * (row["level"] + 1)) for row in curve]
    assert _logged(tmp_path / "log" / "x" / "metrics.csv") == expected
