"""Activation entropy at the end of each level."""

from collections.abc import Sequence
from typing import ClassVar

import lightning.pytorch as pl

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.dynamics import chosen_examples
from sdd.callbacks.level import Level, LevelCallback
from sdd.errors import UserError
from sdd.measures.activation import ACTIVATION_ENTROPY, activation_entropies
from sdd.measures.columns import Column
from sdd.module import Classifier

_EXAMPLES = 500


class ActivationEntropy(LevelCallback):
    """Measures how evenly neurons are on and off over training examples (DSD², Quétu & Tartaglione 2024).

    Columns `activation_entropy/LAYER` for each rectifier of the network, the mean over its neurons, and
    `activation_entropy`, the mean over layers, in bits. Without augmentation and in evaluation mode; see
    `sdd.measures.activation` for what a neuron, its state and a layer's name are.

    Args:
        activation: Measure it. A forward pass over the examples. A network without ReLU or a relative is refused.
        examples: Training examples, the same at every level and training seed; all where there are fewer.

    Raises:
        UserError: An argument is outside what is allowed.
    """

    SECTION = "entropy"
    measures_later: ClassVar[bool] = True

    def __init__(self, activation: bool = False, examples: int = _EXAMPLES) -> None:
        super().__init__()
        if examples < 1:
            raise UserError(f"entropy.examples is {examples}; it must be at least 1")
        if not activation and examples != _EXAMPLES:
            raise UserError("entropy.activation is not set, so that nothing is measured: set it to true")
        self.activation, self.examples = activation, examples

    def columns(self) -> Sequence[Column]:
        """Return the mean's column, if it is measured; those of layers follow from it."""
        return [ACTIVATION_ENTROPY.measured_with(examples=self.examples)] if self.activation else []

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Return the entropies, in [0, 1]."""
        if not self.activation:
            return {}
        data = data_of(trainer)
        batches = data.plain_loader("train", chosen_examples(data, self.examples)["train"])
        layers = activation_entropies(pl_module.net, batches)
        stem = ACTIVATION_ENTROPY.name
        return {stem: sum(layers.values()) / len(layers)} | {f"{stem}/{name}": value for name, value in layers.items()}
