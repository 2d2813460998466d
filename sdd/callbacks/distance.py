"""Learning distance at the end of each level, and on the way there."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import lightning.pytorch as pl

from sdd.callbacks.level import Level
from sdd.callbacks.level_table import LevelTable
from sdd.errors import UserError
from sdd.measures.columns import Column
from sdd.measures.distance import DISTANCE, DISTANCE_INIT, layer_distances, total_distance, trainable
from sdd.module import Classifier


class LearningDistance(LevelTable):
    """Measures how far a level moved the parameters: `distance` from its start, `distance_init` from the first.

    Args:
        per_layer: Also write `distance/NAME` and `distance_init/NAME` for each trainable parameter.
        path: Also measure after every epoch, into `distance_path.csv`: level, epoch, distance, distance_init.
    """

    file = "distance_path.csv"
    measures_later: ClassVar[bool] = True

    def __init__(self, per_layer: bool = False, path: bool = False) -> None:
        super().__init__()
        self.per_layer, self.path = per_layer, path

    def columns(self) -> Sequence[Column]:
        """Return the two distances; those of single parameters follow from them."""
        return DISTANCE, DISTANCE_INIT

    def lacks(self, row: Mapping[str, float | int]) -> bool:
        """Tell whether a level's row lacks the distances of single parameters, where they are asked for.

        Raises:
            UserError: The path is asked for, but the level was trained without it.
        """
        if self.path and all(entry["level"] != row["level"] for entry in self.table):
            raise UserError(
                f"distance.path is taken while a level is trained, and level {row['level']} was trained without it: "
                "leave it off, or choose another --run_dir"
            )
        return self.per_layer and not any(name.startswith(f"{DISTANCE.name}/") for name in row)

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Return the distances, in the units of the weights."""
        measures: dict[str, float] = {}
        for name, layers in layer_distances_of(pl_module, level).items():
            measures[name] = total_distance(layers)
            if self.per_layer:
                measures |= {f"{name}/{layer}": value for layer, value in layers.items()}
        return measures

    def on_level_epoch_end(self, trainer: pl.Trainer, pl_module: Classifier, level: Level, epoch: int) -> None:
        """Measure the path."""
        if self.path:
            distances = {name: total_distance(layers) for name, layers in layer_distances_of(pl_module, level).items()}
            self.table.append({"level": level.level, "epoch": epoch, **distances})


def layer_distances_of(pl_module: Classifier, level: Level) -> dict[str, dict[str, float]]:
    """Return each parameter's distances from the level's start and from the first initialisation."""
    final = trainable(pl_module.net)
    starts = {DISTANCE.name: level.start, DISTANCE_INIT.name: level.initial}
    return {name: layer_distances(final, start, level.masks) for name, start in starts.items()}
