"""Which noise rate and learning rate make the deepest trough of sparse double descent: a search by Optuna.

Each trial is an ordinary run, in a folder of its own, that Lightning's Trainer trains; after each level Optuna's
callback for Lightning reports the depth so far, and ends a trial that lags behind the others. Needs `optuna` and
`optuna-integration`; 12 trials take about a minute on one core::

    python examples/optuna_depth.py runs/optuna --trials 12
    python -m sdd report runs/optuna
"""

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import lightning.pytorch as pl
import optuna
import torch
from optuna_integration import PyTorchLightningPruningCallback

from sdd.analysis.phases import find_phases
from sdd.callbacks import AccuracyMeasures, CurveRecorder, IterativePruning, LearningDistance, RunCheckpoint
from sdd.callbacks.level import Level, LevelCallback
from sdd.data import NoisyLabelData
from sdd.models import MLP
from sdd.module import Classifier


class DepthForOptuna(LevelCallback):
    """Tells Optuna the depth of the curve after each level.

    Args:
        trial: Whose run it is.

    Attributes:
        depth: Of the trough of the levels so far, a fraction; 0 while there is none.
    """

    def __init__(self, trial: optuna.Trial) -> None:
        self._optuna = PyTorchLightningPruningCallback(trial, monitor="depth")
        self._sparsities: list[float] = []
        self._accuracies: list[float] = []
        self.depth = 0.0

    def on_level_end(
        self, trainer: pl.Trainer, pl_module: Classifier, level: Level, measures: Mapping[str, float]
    ) -> None:
        """Report the level; Optuna raises `TrialPruned` where the trial is to end."""
        self._sparsities.append(level.sparsity)
        self._accuracies.append(measures["test_acc"])
        self.depth = find_phases(self._sparsities, self._accuracies).depth or 0.0
        trainer.callback_metrics["depth"] = torch.tensor(self.depth)
        self._optuna.on_validation_end(trainer, pl_module)  # its steps are epochs, of which each level has as many


def train(trial: optuna.Trial, folder: Path, *, levels: int = 12, epochs: int = 40) -> float:
    """Train the run of a trial and return its depth, which Optuna is to maximise.

    Args:
        trial: Gives the two settings.
        folder: Of all runs.
        levels: How often a run is pruned.
        epochs: Of each level.

    Raises:
        optuna.TrialPruned: The trial lags behind; its run stays unfinished.
    """
    noise_rate = trial.suggest_float("data.noise_rate", 0.1, 0.6)
    rate = trial.suggest_float("model.optimizer.lr", 0.02, 0.3, log=True)
    pruning = IterativePruning(levels=levels, fraction=0.4, epochs_per_level=epochs, exclude=["fc.weight"])
    depth = DepthForOptuna(trial)
    trainer = pl.Trainer(
        max_epochs=pruning.max_epochs,
        default_root_dir=folder / f"trial-{trial.number:03d}",
        # The recorder comes before: the level at which a trial is ended is in its curve.
        callbacks=[pruning, AccuracyMeasures(), LearningDistance(), CurveRecorder(), RunCheckpoint(), depth],
        logger=False,
        enable_progress_bar=False,
    )
    model = Classifier(partial(MLP, 64, [200]), partial(torch.optim.SGD, lr=rate, momentum=0.9))
    trainer.fit(model, NoisyLabelData(noise_rate=noise_rate, train_size=500, batch_size=64))
    return depth.depth


def search(folder: Path, trials: int, *, levels: int = 12, epochs: int = 40) -> optuna.Study:
    """Return a study of some trials.

    Args:
        folder: Of their runs.
        trials: How many.
        levels: As for `train`.
        epochs: Likewise.
    """
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=9 * epochs),  # no trough is known before
    )
    study.optimize(partial(train, folder=folder, levels=levels, epochs=epochs), n_trials=trials)
    return study


def main() -> None:
    """Search, and say what was found."""
    parser = argparse.ArgumentParser(description="Search for the deepest trough with Optuna.")
    parser.add_argument("folder", type=Path, help="folder for the runs")
    parser.add_argument("--trials", type=int, default=12)
    chosen = parser.parse_args()
    torch.set_num_threads(1)  # networks this small gain nothing from a second one, and lose much where it is busy
    study = search(chosen.folder, chosen.trials)
    ended = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.PRUNED]
    print(
        f"{len(study.trials)} trials, {len(ended)} ended early; trial {study.best_trial.number} has the deepest trough"
    )
    print(f"{100 * study.best_value:.1f} points with {study.best_params}")


if __name__ == "__main__":
    main()
