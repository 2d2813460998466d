"""Training dynamics: accuracies, memorisation and loss after the epochs of a level."""

from collections.abc import Mapping, Sequence

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import Logger, WandbLogger

from sdd.callbacks.accuracy import Places, data_of, measure
from sdd.callbacks.distance import distances_of
from sdd.callbacks.level import Level, refuse_other_levels
from sdd.callbacks.level_table import LevelTable
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from sdd.measures.columns import Column
from sdd.measures.distance import DISTANCE
from sdd.measures.dynamics import BEST_EPOCH, BEST_TEST_ACC, best_epoch
from sdd.module import Classifier
from sdd.seeding import Stream


class TrainingDynamics(LevelTable):
    """Measures a level after its epochs, into `epochs.csv`: what a level's row has of every part of the data.

    Columns are `level`, `epoch` within the level, counted from 0, and the accuracies, losses, `memorized` and
    `recovered` of `curve.csv`, which gets `best_test_acc` and `best_epoch`. Every logger gets each row as it comes, as
    `epochs/NAME`, in W&B with `epochs/epoch` as axis; `trainer.callback_metrics` holds the same, for callbacks that
    monitor one. Measuring changes no other number. An evaluation of all 60,000 + 10,000 images of MNIST takes about a
    third of an epoch of LeNet-300-100; `examples` makes it cheaper.

    Args:
        levels: `all` levels, or a list of them, such as [0, 12, 20]; null: none.
        every: Epochs from one measurement to the next; the last epoch of a level is measured whatever it is.
        examples: Measure on as many examples of each part of the data, the same at every epoch, level and training
            seed; all where there are fewer. null: on all.
        distances: Also measure the learning distances.

    Raises:
        UserError: An argument is outside what is allowed.
    """

    SECTION = "dynamics"
    file = "epochs.csv"

    def __init__(
        self,
        levels: Sequence[int] | str | None = None,
        every: int = 1,
        examples: int | None = None,
        distances: bool = False,
    ) -> None:
        super().__init__()
        for name, value in {"every": every, "examples": examples}.items():
            if value is not None and value < 1:
                raise UserError(f"dynamics.{name} is {value}; it must be at least 1")
        if isinstance(levels, str) and levels != "all":
            raise UserError(f"dynamics.levels is {levels!r}; it must be all, or a list of levels such as [0, 12]")
        if levels is None and (every, examples, distances) != (1, None, False):
            raise UserError("dynamics.levels is not set, so that nothing is measured: set it to all, or to some levels")
        self.levels, self.every, self.examples, self.distances = levels, every, examples, distances
        self._epoch = 0
        self._chosen: Places | None = None
        self._with_axis: list[Logger] = []

    def columns(self) -> Sequence[Column]:
        """Return the best epoch's columns, with the settings that decide their values."""
        if self.levels is None:
            return ()
        settings = {"every": self.every, "examples": self.examples}
        return [column.measured_with(**settings) for column in (BEST_TEST_ACC, BEST_EPOCH)]

    def lacks(self, row: Mapping[str, float | int]) -> bool:
        """Tell whether a level that is to be measured was trained without.

        Raises:
            UserError: Epochs so far are with the distances, and later ones would be without, or the other way round.
        """
        self._check_distances()
        return self._wanted(int(row["level"])) and super().lacks(row)

    def check_levels(self, last_level: int) -> None:
        """Find out whether all levels asked for are among the run's."""
        if not isinstance(self.levels, str):
            refuse_other_levels("dynamics.levels", self.levels or (), last_level)

    def check_begun(self, level: int, epochs: range) -> None:
        """Find out whether a level's epochs so far are measured as the next ones will be."""
        self._check_distances()
        if self._wanted(level):
            self.check_taken("dynamics.levels", level, (epoch for epoch in epochs if epoch % self.every == 0))

    def on_level_epoch_end(self, trainer: pl.Trainer, pl_module: Classifier, level: Level, epoch: int) -> None:
        """Measure, unless this epoch is left out."""
        self._epoch = epoch
        if self._wanted(level.level) and epoch % self.every == 0:
            self._measure(trainer, pl_module, level)

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Measure the level's last epoch where that is left out, and return the best epoch's measures."""
        if not self._wanted(level.level):
            return {}
        if self._epoch % self.every:
            self._measure(trainer, pl_module, level)
        return best_epoch([row for row in self.table if row["level"] == level.level])

    def shorten(self) -> None:
        """Measure every level of a trial, whichever those of the run are."""
        if self.levels is not None:
            self.levels = "all"

    def _wanted(self, level: int) -> bool:
        return self.levels == "all" or (self.levels is not None and level in self.levels)

    def _check_distances(self) -> None:
        if self.levels is not None and any((DISTANCE.name in row) != self.distances for row in self.table):
            raise UserError(
                f"dynamics.distances is {self.distances}, but the epochs so far were measured with "
                f"{not self.distances}: set it back, or choose another --run_dir"
            )

    def _measure(self, trainer: pl.Trainer, module: Classifier, level: Level) -> None:
        data = data_of(trainer)
        if self.examples is not None and self._chosen is None:
            self._chosen = chosen_examples(data, self.examples)
        measures = measure(module.net, data, module.loss, self._chosen)
        if self.distances:
            measures |= distances_of(module, level)
        self.table.append({"level": level.level, "epoch": self._epoch, **measures})
        metrics = {f"epochs/{name}": float(value) for name, value in self.table[-1].items()}
        # What log_dict comes to, which takes as long as the epoch of a small network.
        trainer.callback_metrics.update({name: torch.tensor(value) for name, value in metrics.items()})
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger) and logger not in self._with_axis:
                for name in metrics:  # an exact name wins over every pattern, WandbLogger's own included
                    logger.experiment.define_metric(name, step_metric="epochs/epoch")
                self._with_axis.append(logger)
            logger.log_metrics(metrics, trainer.global_step)


def chosen_examples(data: NoisyLabelData, examples: int) -> Places:
    """Choose examples of each part of the data, the same whatever the training seed.

    Args:
        data: Loaded.
        examples: How many of each part; all where there are fewer.

    Returns:
        Their places in stored order, int64 of shape [examples], by part.
    """
    chosen = {}
    for name in data.parts:
        number = ("train", "val", "test").index(name)
        order = Stream(0, "dynamics examples", number).permutation(len(data.split(name).labels))
        chosen[name] = torch.from_numpy(order[:examples]).sort().values
    return chosen
