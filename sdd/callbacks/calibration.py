"""Calibration at the end of each level."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import lightning.pytorch as pl

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.level import Level, LevelCallback
from sdd.errors import UserError
from sdd.measures.calibration import CALIBRATION, VAL_ECE, calibration_error, confidences
from sdd.measures.columns import Column
from sdd.module import Classifier


class CalibrationMeasures(LevelCallback):
    """Measures the expected calibration error of a trained level on every part of the data (Guo et al. 2017).

    Columns `test_ece`, on the clean test set, `train_ece`, on the training set with its noisy labels, and, where a part
    is kept aside, `val_ece`, with noisy labels too. Probabilities are the softmax of the network's outputs, without
    augmentation and in evaluation mode. Arora et al. (2023) studied calibration over sparsity.

    Args:
        ece: Measure it. One more evaluation of each part.
        bins: Bins of the highest probability, all of the same width; each includes its upper edge.

    Raises:
        UserError: An argument is outside what is allowed.
    """

    SECTION = "calibration"
    measures_later: ClassVar[bool] = True

    def __init__(self, ece: bool = False, bins: int = 15) -> None:
        super().__init__()
        if bins < 1:
            raise UserError(f"calibration.bins is {bins}; it must be at least 1")
        if not ece and bins != 15:
            raise UserError("calibration.ece is not set, so that nothing is measured: set it to true")
        self.ece, self.bins = ece, bins

    def columns(self) -> Sequence[Column]:
        """Return the errors of all parts, with the number of bins, if they are measured."""
        return [column.measured_with(bins=self.bins) for column in CALIBRATION] if self.ece else []

    def lacks(self, row: Mapping[str, float | int]) -> bool:
        """Tell whether a level lacks an error; that of the validation part is there only where there is such a part."""
        return any(column.name not in row for column in self.columns() if column.name != VAL_ECE.name)

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Return the error on each part, in [0, 1], NaN where the network gives no probabilities."""
        if not self.ece:
            return {}
        data = data_of(trainer)
        return {
            f"{name}_ece": calibration_error(*confidences(pl_module.net, data.plain_loader(name)), bins=self.bins)
            for name in data.parts
        }
