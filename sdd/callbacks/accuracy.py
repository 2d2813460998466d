"""Accuracy and memorisation at the end of each level."""

import lightning.pytorch as pl

from sdd.callbacks.level import Level, LevelCallback
from sdd.data import NoisyLabelData
from sdd.measures.accuracy import predict, share, training_measures
from sdd.module import Classifier


class AccuracyMeasures(LevelCallback):
    """Measures training, test and, where there is one, validation part, without augmentation."""

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Return the loss and accuracies of each part; see `sdd.measures.accuracy`."""
        data = data_of(trainer)
        train, test = data.split("train"), data.split("test")
        measures = training_measures(
            predict(pl_module.net, data.plain_loader("train")),
            train.labels,
            train.true_labels,
            train.flipped,
        )
        parts = {"test": test} | ({"val": data.split("val")} if data.val_size else {})
        for name, part in parts.items():
            predictions = predict(pl_module.net, data.plain_loader(name))
            measures[f"{name}_loss"] = predictions.loss
            measures[f"{name}_acc"] = share(predictions.classes == part.labels)
        return measures


def data_of(trainer: pl.Trainer) -> NoisyLabelData:
    """Return the trainer's data module."""
    data: object = trainer.datamodule  # type: ignore[attr-defined]
    if not isinstance(data, NoisyLabelData):
        raise TypeError(f"levels are measured on NoisyLabelData, not on {type(data).__name__}")
    return data
