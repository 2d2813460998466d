"""Run folders with made-up numbers, in every state that there is."""

import json
import math
import random
from pathlib import Path

from sdd.analysis.curve import write_curve
from sdd.runs.data_record import DataRecord, PartRecord
from sdd.runs.folder import RunFolder
from tests.analysis.test_comparison import make_run

LEVELS = 35


def full_run(folder: Path, seed: int, *, levels: int = LEVELS, loss_points: int = 11, **settings) -> Path:
    """Write a run with flatness and loss curves, whose every number is a random double with all its digits."""
    rng = random.Random(folder.name)  # the same numbers wherever it lies
    remaining = [49_200]
    while len(remaining) < levels:
        remaining.append(int(0.8 * remaining[-1]))
    names = ("train_loss", "train_acc", "train_acc_kept", "memorized", "recovered", "test_loss")
    rows = []
    for level, left in enumerate(remaining):
        accuracy = 0.66 - 0.1 * math.exp(-(((level - 13) / 5) ** 2)) + 0.17 * math.exp(-(((level - 28) / 5) ** 2))
        row = {"level": level, "sparsity": 1 - left / remaining[0], "remaining": left}
        row["remaining_fraction"] = left / remaining[0]
        row |= {name: rng.random() for name in names}
        row |= {"test_acc": accuracy + rng.gauss(0, 0.006), "distance": 20 * rng.random()}
        row |= {name: rng.random() for name in ("distance_init", "seconds", "hessian_top", "hessian_top_residual")}
        row |= {name: rng.random() for name in ("hessian_trace", "hessian_trace_error", "sharpness")}
        rows.append(row)
    make_run(folder, seed, **({"pruning.levels": levels - 1} | settings))
    write_curve(folder / "curve.csv", rows)
    alpha = [round(-1 + 2 * step / (loss_points - 1), 4) for step in range(loss_points)]
    lines = ["level,sparsity,direction,alpha,loss"]
    for row in rows:
        for direction in range(5):
            width = rng.random()
            lines += [
                f"{row['level']},{row['sparsity']!r},{direction},{step},{0.01 + 10 * width * step * step!r}"
                for step in alpha
            ]
    (folder / "loss_curves.csv").write_text("\n".join(lines) + "\n")
    (folder / "environment.json").write_text(json.dumps({"python": "3.12", "gpu": "none"}))
    labels = PartRecord([[70, 30], [0, 100]], "images", "true", "noisy")
    RunFolder(folder).write_data_record(DataRecord({"train": labels}, [0.5], [0.5]))
    return folder


def every_state(folder: Path) -> Path:
    """Write a folder of runs, one in each state, named by it."""
    make_run(folder / "finished", 0)
    make_run(folder / "unfinished", 1, levels=12, finished=False)
    make_run(folder / "short", 2, levels=12)
    make_run(folder / "summary", 3)
    (folder / "summary" / "summary.json").write_text("{")
    make_run(folder / "cut", 4)
    text = (folder / "cut" / "curve.csv").read_text()
    (folder / "cut" / "curve.csv").write_text(text[: len(text) // 2])
    make_run(folder / "no-settings", 5)
    (folder / "no-settings" / "settings.json").unlink()
    make_run(folder / "bad-settings", 6)
    (folder / "bad-settings" / "settings.json").write_text("[")
    make_run(folder / "started", 7, finished=False)
    (folder / "started" / "curve.csv").unlink()
    (folder / "claimed").mkdir()
    (folder / "claimed" / ".lock").write_text("host, process 1")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.png").write_text("")
    (folder / "logs").mkdir()
    (folder / "logs" / "finished.log").write_text("")
    return folder
