"""The parts of a run as a script of Lightning's own makes them."""

import lightning.pytorch as pl
import torch

from sdd.callbacks import AccuracyMeasures, CurveRecorder, IterativePruning, LearningDistance, RunCheckpoint
from sdd.data import NoisyLabelData
from sdd.models import MLP
from sdd.module import Classifier


def parts(folder, *extra, seed=0, net=lambda: MLP(64, [20]), **trainer):
    """The objects of `configs/digits_mlp.yaml` at one pruning of two epochs on 200 examples, as a script makes them."""
    driver = IterativePruning(levels=1, fraction=0.5, epochs_per_level=2, exclude=["fc.weight"], seed=seed)
    model = Classifier(net, lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9), seed=seed)
    data = NoisyLabelData(noise_rate=0.4, train_size=200, batch_size=50, seed=seed)
    callbacks = [LearningDistance(), RunCheckpoint(), CurveRecorder(), AccuracyMeasures(), driver, *extra]
    made = pl.Trainer(
        max_epochs=driver.max_epochs,
        accelerator="cpu",
        default_root_dir=folder,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=callbacks,
        **trainer,
    )
    return made, model, data
