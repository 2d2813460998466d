"""Accuracy and memorisation at the end of each level."""

from collections.abc import Mapping, Sequence

import lightning.pytorch as pl
from torch import nn

from sdd.callbacks.level import Level, LevelCallback
from sdd.data import NoisyLabelData
from sdd.losses import Loss
from sdd.measures.accuracy import TEST, TRAINING, VALIDATION, fraction, predict, training_measures
from sdd.measures.columns import Column
from sdd.models.state import kept_state, load_state
from sdd.module import Classifier


class AccuracyMeasures(LevelCallback):
    """Measures training, test and, where there is one, validation part, without augmentation."""

    def columns(self) -> Sequence[Column]:
        """Return the columns of the measures of every part of the data."""
        return (*TRAINING, *TEST, *VALIDATION)

    def lacks(self, row: Mapping[str, float | int]) -> bool:
        """Return False: these are measured in every run."""
        return False

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Return the loss and accuracies of each part; see `sdd.measures.accuracy`.

        For a level whose mask was released also those that it started from, as `*_before`.
        """
        measures = measure(pl_module.net, data_of(trainer), pl_module.loss)
        if level.released:
            with kept_state(pl_module.net):
                load_state(pl_module.net, level.start)
                before = measure(pl_module.net, data_of(trainer), pl_module.loss)
            measures |= {f"{name}_before": value for name, value in before.items()}
        return measures


def measure(net: nn.Module, data: NoisyLabelData, loss: Loss) -> dict[str, float]:
    """Measure a network on every part of the data."""
    train = data.split("train")
    measures = training_measures(
        predict(net, data.plain_loader("train"), loss), train.labels, train.true_labels, train.flipped
    )
    for name in ("test", "val") if data.val_size else ("test",):
        predictions = predict(net, data.plain_loader(name), loss)
        measures[f"{name}_loss"] = predictions.loss
        measures[f"{name}_acc"] = fraction(predictions.classes == data.split(name).labels)
    return measures


def data_of(trainer: pl.Trainer) -> NoisyLabelData:
    """Return the trainer's data module."""
    data: object = trainer.datamodule  # type: ignore[attr-defined]
    if not isinstance(data, NoisyLabelData):
        raise TypeError(f"levels are measured on NoisyLabelData, not on {type(data).__name__}")
    return data
