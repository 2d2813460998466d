"""Runs of a random search, with made-up numbers that depend on the settings."""

import math
import random
from pathlib import Path

from sdd.analysis.curve import write_curve
from tests.analysis.test_comparison import make_run

RATE, NOISE, CRITERION = "model.optimizer.init_args.lr", "data.noise_rate", "pruning.criterion"
FRACTION = "pruning.fraction"


def random_search(folder: Path, runs: int, levels: int = 16) -> Path:
    """Write runs that differ in a learning rate of their own, a noise rate, a criterion, and what a level prunes."""
    rng = random.Random(runs)
    for number in range(runs):
        rate, noise = 10 ** rng.uniform(-3, -1), rng.choice([0.0, 0.1, 0.2, 0.4])
        fraction = rng.choice([0.2, 0.4])
        settings = {
            RATE: rate,
            NOISE: noise,
            CRITERION: rng.choice(["magnitude", "random"]),
            FRACTION: fraction,
            "pruning.levels": levels - 1,
        }
        run = make_run(folder / f"run-{number:03d}", 0, levels=min(levels, 20), **settings)
        rows = []
        for level in range(levels):
            remaining = round(100_000 * (1 - fraction) ** level)
            place = -math.log10(remaining / 100_000)
            trough, peak = math.exp(-((place - 0.6) ** 2) / 0.05), math.exp(-((place - 1.2) ** 2) / 0.05)
            accuracy = 0.9 - noise * (0.5 + 0.4 * trough - 0.3 * peak) - 0.03 * (math.log10(rate) + 2) ** 2
            row = {"level": level, "sparsity": 1 - remaining / 100_000, "remaining": remaining}
            row |= {"remaining_fraction": remaining / 100_000, "test_acc": accuracy + rng.gauss(0, 0.002)}
            row |= {"train_acc": 1 - noise / (1 + level), "distance": 5 + level * rate, "seconds": 1.0}
            rows.append(row)
        write_curve(run / "curve.csv", rows)
    return folder
