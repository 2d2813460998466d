"""Learning distance at the end of each level, and on the way there."""

from typing import Any

import lightning.pytorch as pl

from sdd.callbacks.level import Level, LevelCallback
from sdd.files import write_table
from sdd.measures.distance import layer_distances, total_distance, trainable
from sdd.module import Classifier
from sdd.runs.folder import RunFolder


class LearningDistance(LevelCallback):
    """Measures how far a level moved the parameters: `distance` from its start, `distance_init` from the first.

    Args:
        per_layer: Also write `distance/NAME` and `distance_init/NAME` for each trainable parameter.
        path: Also measure after every epoch, into `distance_path.csv`: level, epoch, distance, distance_init.
    """

    def __init__(self, per_layer: bool = False, path: bool = False) -> None:
        self.per_layer, self.path = per_layer, path
        self._path: list[dict[str, float | int]] = []

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Return the distances, in the units of the weights."""
        final = trainable(pl_module.net)
        measures: dict[str, float] = {}
        for name, start in (("distance", level.start), ("distance_init", level.initial)):
            layers = layer_distances(final, start, level.masks)
            measures[name] = total_distance(layers)
            if self.per_layer:
                measures |= {f"{name}/{layer}": value for layer, value in layers.items()}
        return measures

    def on_level_epoch_end(self, trainer: pl.Trainer, pl_module: Classifier, level: Level, epoch: int) -> None:
        """Measure the path."""
        if not self.path:
            return
        final, row = trainable(pl_module.net), dict[str, float | int](level=level.level, epoch=epoch)
        for name, start in (("distance", level.start), ("distance_init", level.initial)):
            row[name] = total_distance(layer_distances(final, start, level.masks))
        self._path.append(row)

    def on_level_end(self, trainer: pl.Trainer, pl_module: Classifier, level: Level, measures: Any) -> None:
        """Write the path so far."""
        if self.path and trainer.is_global_zero:
            write_table(RunFolder(trainer.default_root_dir).distance_path, self._path)

    def state_dict(self) -> dict[str, Any]:
        """Return the path so far."""
        return {"path": self._path}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the path of a run that was left."""
        self._path = state_dict["path"]
