"""Accuracy and memorisation at the end of each level."""

from collections.abc import Mapping, Sequence

import lightning.pytorch as pl
from torch import Tensor, nn

from sdd.callbacks.level import Level, LevelCallback
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from sdd.losses import Loss
from sdd.measures.accuracy import TEST, TRAINING, VALIDATION, fraction, predict, training_measures
from sdd.measures.columns import Column
from sdd.models.state import kept_state, load_state
from sdd.module import Classifier

Places = Mapping[str, Tensor]
"""Places of examples in stored order, int64 [N], by part of the data."""


class AccuracyMeasures(LevelCallback):
    """Measures training, test and, where there is one, validation part, without augmentation."""

    IN_EVERY_RUN = True

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


def measure(net: nn.Module, data: NoisyLabelData, loss: Loss, places: Places | None = None) -> dict[str, float]:
    """Measure a network on every part of the data.

    Args:
        net: Maps network inputs [B, ...] to logits [B, classes].
        data: Loaded.
        loss: That it is trained with.
        places: Of the examples of each part that are measured, in stored order; None: all.

    Returns:
        Loss and accuracies by name; see `sdd.measures.accuracy`.
    """
    measures: dict[str, float] = {}
    for name in data.parts:
        chosen = None if places is None else places[name]
        part = data.split(name) if chosen is None else data.split(name).take(chosen)
        predictions = predict(net, data.plain_loader(name, chosen), loss)
        if name == "train":
            measures |= training_measures(predictions, part.labels, part.true_labels, part.flipped)
        else:
            measures[f"{name}_loss"] = predictions.loss
            measures[f"{name}_acc"] = fraction(predictions.classes == part.labels)
    return measures


def data_of(trainer: pl.Trainer) -> NoisyLabelData:
    """Return the trainer's data module.

    Raises:
        UserError: It has none, or another.
    """
    data: object = trainer.datamodule  # type: ignore[attr-defined]
    if not isinstance(data, NoisyLabelData):
        given = trainer.fit_loop._data_source.instance if data is None else data
        what = "no data" if given is None or isinstance(given, pl.LightningModule) else type(given).__name__
        raise UserError(
            f"Trainer.fit was given {what}, but levels are trained and measured on NoisyLabelData: give it one as "
            "datamodule, such as NoisyLabelData(noise_rate=0.4); its dataset may be your own"
        )
    return data
