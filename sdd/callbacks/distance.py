"""Learning distances at the end of each level, and on the way there."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import lightning.pytorch as pl

from sdd.analysis.curve import renamed
from sdd.callbacks.level import Level
from sdd.callbacks.level_table import LevelTable
from sdd.errors import UserError
from sdd.measures.columns import Column
from sdd.measures.distance import DISTANCE, DISTANCES, layer_distances, total_distance, trainable
from sdd.module import Classifier


class LearningDistance(LevelTable):
    """Measures three distances: `distance`, the paper's, `distance_init` and `distance_start`.

    The first two are measured from the initialisation of the run's own dense network: its weights before the first
    step of level 0. It is the same at all levels and for every retraining mode: with `rewind_steps` it is not what
    levels rewind to; with `scratch` it is not the fresh initialisation that a level starts from; with `dense_from` it
    is that of the dense network which is taken over; with `masks_from` it is what this run's own training seed gives,
    which for `redense` is that of the run whose levels are trained on. `distance_start` is measured from what the level
    started from.

    Args:
        per_layer: Also write `distance/NAME` and the others for each trainable parameter.
        path: Also measure after every epoch, into `distance_path.csv`: level, epoch and the three distances.
    """

    SECTION = "distance"
    file = "distance_path.csv"
    measures_later: ClassVar[bool] = True

    def __init__(self, per_layer: bool = False, path: bool = False) -> None:
        super().__init__()
        self.per_layer, self.path = per_layer, path

    def columns(self) -> Sequence[Column]:
        """Return the distances; those of single parameters follow from them."""
        return DISTANCES

    def lacks(self, row: Mapping[str, float | int]) -> bool:
        """Tell whether a level's row lacks a distance, or those of single parameters where they are asked for.

        Raises:
            UserError: The path is asked for, but the level was trained without all of it.
        """
        if self.path and all(entry["level"] != row["level"] or DISTANCE.name not in entry for entry in self.table):
            raise UserError(
                f"distance.path is taken while a level is trained, and level {row['level']} was trained without it: "
                "leave it off, or choose another --run_dir"
            )
        wanted = [f"{column.name}/" for column in DISTANCES] if self.per_layer else []
        return super().lacks(row) or not all(any(name.startswith(stem) for name in row) for stem in wanted)

    def check_begun(self, level: int, epochs: range) -> None:
        """Find out whether a level's path is whole so far."""
        if self.path:
            self.check_taken("distance.path", level, epochs)

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Return the distances, in the units of the weights."""
        if not self.per_layer:
            return distances_of(pl_module, level)
        measures: dict[str, float] = {}
        for name, layers in _of_each(pl_module, level).items():
            measures[name] = total_distance(layers)
            measures |= {f"{name}/{layer}": value for layer, value in layers.items()}
        return measures

    def on_level_epoch_end(self, trainer: pl.Trainer, pl_module: Classifier, level: Level, epoch: int) -> None:
        """Measure the path."""
        if self.path:
            self.table.append({"level": level.level, "epoch": epoch, **distances_of(pl_module, level)})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the path of a run that was left."""
        self.table = [renamed(entry) for entry in state_dict["table"]]


def distances_of(pl_module: Classifier, level: Level) -> dict[str, float]:
    """Return each distance over all parameters."""
    return {name: total_distance(layers) for name, layers in _of_each(pl_module, level).items()}


def _of_each(pl_module: Classifier, level: Level) -> dict[str, dict[str, float]]:
    """Return each distance of each parameter."""
    return layer_distances(trainable(pl_module.net), level.initial, level.start, level.masks)
