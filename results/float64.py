"""The digits experiment once more, by NumPy in 64 bits: no autograd, no optimizer, no pruning code, no framework.

Initial weights, noisy labels and the order of the batches are sdd's, since they are what a seed stands for; the
forward and backward passes, SGD with momentum, pruning by magnitude, rewinding and evaluation are written here. Two
such computations agree to rounding until training has amplified it: how far they agree, and whether the curves mean the
same, is what RESULTS.md says. `python -m results.float64` writes its two tables anew.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

import sdd
from results.evidence import FOLDER
from sdd.data import NoisyLabelData
from sdd.data.splits import Split
from sdd.models import MLP
from sdd.seeding import derive_seed, torch_generator

Floats = NDArray[np.float64]
EARLY = (1, 5, 20, 50)
"""Epochs of the dense level after which weights are compared, of 8 steps each."""

_LR, _MOMENTUM, _BATCH, _EPOCHS, _LEVELS, _FRACTION = 0.1, 0.9, 128, 50, 34, 0.2


class Network:
    """Linear layers with ReLU between them.

    Args:
        weights: [out, in] of each layer.
        biases: [out] of each.
    """

    def __init__(self, weights: Sequence[Floats], biases: Sequence[Floats]) -> None:
        self.weights, self.biases = [value.copy() for value in weights], [value.copy() for value in biases]
        self.masks = [np.ones_like(value) for value in weights]
        self.velocities = [np.zeros_like(value) for value in (*weights, *biases)]

    def outputs(self, inputs: Floats) -> list[Floats]:
        """Return what each layer gives, the inputs first, [N, out]."""
        seen = [inputs]
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), 1):
            sums = seen[-1] @ weight.T + bias
            seen.append(sums if number == len(self.weights) else np.maximum(sums, 0.0))
        return seen

    def step(self, inputs: Floats, labels: NDArray[np.int64]) -> None:
        """Take one step of SGD with momentum on the mean cross-entropy."""
        seen = self.outputs(inputs)
        shifted = np.exp(seen[-1] - seen[-1].max(axis=1, keepdims=True))
        error = shifted / shifted.sum(axis=1, keepdims=True)
        error[np.arange(len(labels)), labels] -= 1.0
        error /= len(labels)
        layers = len(self.weights)
        for number in reversed(range(layers)):
            gradients = (error.T @ seen[number], error.sum(axis=0))
            if number:
                error = (error @ self.weights[number]) * (seen[number] > 0)
            for place, value, gradient in zip(
                (number, layers + number), (self.weights[number], self.biases[number]), gradients, strict=True
            ):
                self.velocities[place] *= _MOMENTUM
                self.velocities[place] += gradient
                value -= _LR * self.velocities[place]
            self.weights[number] *= self.masks[number]

    def prune(self) -> None:
        """Remove a fifth of what remains, the smallest by magnitude, of all layers but the last together."""
        pruned = range(len(self.weights) - 1)
        remaining = sum(int(self.masks[number].sum()) for number in pruned)
        count = -int(-_FRACTION * remaining // 1)
        sizes = np.concatenate([np.abs(self.weights[n])[self.masks[n] > 0] for n in pruned])
        limit = np.sort(sizes)[count - 1]
        for number in pruned:
            self.masks[number] *= np.abs(self.weights[number]) > limit


class Experiment:
    """`digits_mlp` with one seed.

    Args:
        seed: `seed_everything`.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        data = NoisyLabelData(dataset="digits", noise_type="symmetric", noise_rate=0.4, batch_size=_BATCH, seed=seed)
        data.prepare_data()
        data.setup("fit")
        self.train, self.test = ((_inputs(part, data), part) for part in (data.split("train"), data.split("test")))
        torch.manual_seed(derive_seed(seed, "initial weights", 0))
        layers = [layer for layer in MLP(64, [300, 100], 10).modules() if isinstance(layer, torch.nn.Linear)]
        self.weights = [layer.weight.detach().double().numpy() for layer in layers]
        self.biases = [layer.bias.detach().double().numpy() for layer in layers]

    def level(self, level: int, masks: Sequence[Floats] | None = None, epochs: int = _EPOCHS) -> Network:
        """Return the network of a level, trained from the initial weights under some masks."""
        network = Network(self.weights, self.biases)
        if masks is not None:
            network.masks = [*masks]
            network.weights = [value * mask for value, mask in zip(self.weights, masks, strict=True)]
        inputs, part = self.train
        labels = part.labels.numpy()
        for epoch in range(epochs):
            generator = torch_generator(self.seed, "batch order", level, epoch)
            order = torch.randperm(len(labels), generator=generator).numpy()
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                network.step(inputs[batch], labels[batch])
        return network

    def row(self, level: int, network: Network) -> dict[str, float]:
        """Return a level's row."""
        hits = {}
        for name, (inputs, part) in {"train": self.train, "test": self.test}.items():
            hits[name] = network.outputs(inputs)[-1].argmax(axis=1) == part.labels.numpy()
        return {
            "level": level,
            "remaining": int(sum(mask.sum() for mask in network.masks[:-1])),
            "train_acc": float(hits["train"].mean()),
            "memorized": float(hits["train"][self.train[1].flipped.numpy()].mean()),
            "test_acc": float(hits["test"].mean()),
        }

    def curve(self) -> list[dict[str, float]]:
        """Return the rows of all levels."""
        network = self.level(0)
        rows = [self.row(0, network)]
        for level in range(1, _LEVELS + 1):
            network.prune()
            network = self.level(level, network.masks)
            rows.append(self.row(level, network))
        return rows

    def apart(self, epochs: int) -> float:
        """Return how far sdd's weights are from these after some epochs of level 0, relative to their norm."""
        settings = {"dynamics.levels": None, "pruning.levels": 0, "pruning.epochs_per_level": epochs}
        with TemporaryDirectory() as folder:
            run = sdd.fit(
                "digits_mlp",
                {**settings, "seed_everything": self.seed, "progress.show": "none", "run_dir": f"{folder}/run"},
            )
            layers = [layer for layer in sdd.load_level(run, 0).modules() if isinstance(layer, torch.nn.Linear)]
        theirs = np.concatenate([layer.weight.detach().double().numpy().ravel() for layer in layers])
        ours = np.concatenate([weight.ravel() for weight in self.level(0, epochs=epochs).weights])
        return float(np.linalg.norm(theirs - ours) / np.linalg.norm(ours))


def write(seeds: Sequence[int], folder: Path) -> None:
    """Write `float64.csv`, the curves of some seeds, and `float64_weights.csv`, how far sdd's weights are apart."""
    curves, weights = [], []
    for seed in seeds:
        experiment = Experiment(seed)
        curves += [{"seed": seed, **row} for row in experiment.curve()]
        weights += [{"seed": seed, "epochs": epochs, "apart": experiment.apart(epochs)} for epochs in EARLY]
    for name, rows in {"float64.csv": curves, "float64_weights.csv": weights}.items():
        with (folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _inputs(part: Split, data: NoisyLabelData) -> Floats:
    mean, std = np.array(data.content.mean), np.array(data.content.std)
    images = part.images.numpy()
    found: Floats = ((images.reshape(len(images), -1).astype(np.float64) / 255) - mean) / std
    return found


if __name__ == "__main__":
    write(range(5), FOLDER)
