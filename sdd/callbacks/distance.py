"""Learning distance at the end of each level."""

import lightning.pytorch as pl

from sdd.callbacks.level import Level, LevelCallback
from sdd.measures.distance import layer_distances, total_distance, trainable
from sdd.module import Classifier


class LearningDistance(LevelCallback):
    """Measures how far a level moved the parameters: `distance` from its start, `distance_init` from the first.

    Args:
        per_layer: Also write `distance/NAME` and `distance_init/NAME` for each trainable parameter.
    """

    def __init__(self, per_layer: bool = False) -> None:
        self.per_layer = per_layer

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
