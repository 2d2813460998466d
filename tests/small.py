"""The smallest experiments that have every part: a few levels of a few epochs on digits."""

import os
import subprocess
import sys
from pathlib import Path

import lightning.pytorch as pl
import torch
from torch import nn

from sdd.callbacks import (
    AccuracyMeasures,
    CurveRecorder,
    IterativePruning,
    LearningDistance,
    LevelWarnings,
    RunCheckpoint,
)
from sdd.data import NoisyLabelData
from sdd.models import MLP
from sdd.module import Classifier
from sdd.runs.level_file import read_level

PROJECT = Path(__file__).parent.parent
CONFIG = PROJECT / "configs" / "digits_mlp.yaml"

# Arguments that make `configs/digits_mlp.yaml` take a second: 4 levels of 3 epochs of 4 steps.
QUICK = [
    "fit",
    "--config",
    str(CONFIG),
    "--data.train_size",
    "200",
    "--data.batch_size",
    "50",
    "--model.net.widths",
    "[20]",
    "--pruning.levels",
    "3",
    "--pruning.fraction",
    "0.5",
    "--pruning.epochs_per_level",
    "3",
    "--progress.show",
    "none",
]


def small_net() -> nn.Module:
    """64-16-8-10."""
    return MLP(64, [16, 8], 10)


class NormNet(nn.Module):
    """Convolution, batch norm, linear: what has buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 64, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(self.norm(self.conv(images)).relu().flatten(1))


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=1e-3)


def small_run(
    folder: Path,
    *extra: pl.Callback,
    build=small_net,
    optimizer=sgd,
    lr_scheduler=None,
    lr_interval="epoch",
    seed=0,
    data=None,
    trainer=None,
    logger=False,
    distance_penalty=0.0,
    loss="cross_entropy",
    loss_args=None,
    compile_args=None,
    ckpt_path=None,
    **pruning,
):
    """Run an experiment without the command line; returns its trainer, module and pruning callback."""
    pruning = {"levels": 3, "fraction": 0.5, "epochs_per_level": 2, "exclude": ["fc.weight"], "seed": seed} | pruning
    driver = IterativePruning(**pruning)
    distance = [] if any(isinstance(callback, LearningDistance) for callback in extra) else [LearningDistance()]
    module = Classifier(
        build(),
        optimizer,
        lr_scheduler,
        lr_interval,
        distance_penalty,
        loss=loss,
        loss_args=loss_args,
        compile=compile_args is not None,
        compile_args=compile_args,
        seed=seed,
    )
    module.draw_from(build)
    run = pl.Trainer(
        max_epochs=driver.max_epochs,
        accelerator="cpu",
        default_root_dir=folder,
        callbacks=[*extra, CurveRecorder(), *distance, AccuracyMeasures(), LevelWarnings(), driver, RunCheckpoint()],
        logger=logger,
        enable_progress_bar=False,
        enable_model_summary=False,
        **(trainer or {}),
    )
    run.fit(module, datamodule=data or small_data(seed=seed), ckpt_path=ckpt_path)
    return run, module, driver


def small_data(**arguments) -> NoisyLabelData:
    """200 digits with 40 % noise."""
    return NoisyLabelData(**({"train_size": 200, "noise_rate": 0.4, "batch_size": 50} | arguments))


def level_state(folder: Path, level: int) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return the network's state and the masks of a level's file."""
    return read_level(folder / "levels" / f"level-{level:03d}.ckpt")


def keep_both_checkpoints(monkeypatch) -> None:
    """Let finished runs keep the checkpoint before the last too, so that a test can take the last one away."""
    monkeypatch.setattr(RunCheckpoint, "on_fit_end", lambda *_: None)


def run_process(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m sdd` as a user does."""
    paths = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "sdd", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": paths} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def curve_without_seconds(folder: Path) -> list[list[str]]:
    """Return the cells of `curve.csv`, but for the seconds."""
    lines = [line.split(",") for line in (folder / "curve.csv").read_text().splitlines()]
    place = lines[0].index("seconds")
    return [cells[:place] + cells[place + 1 :] for cells in lines]
