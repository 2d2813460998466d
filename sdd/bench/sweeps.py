"""What a sweep of small runs costs beyond the training of its levels."""

import csv
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from sdd.errors import UserError

_NAME = "tiny"


@dataclass(frozen=True)
class SweepTimes:
    """How long a sweep took. Attributes: all in seconds; levels: The column `seconds`, summed over all runs."""

    wall: float
    cpu: float
    levels: float

    @property
    def ratio(self) -> float:
        """How many times as long it took as the levels alone, one after the other."""
        return self.wall / self.levels


def time_sweep(
    folder: Path, cells: int, *, workers: int = 1, levels: int = 2, epochs: int = 2, threads: int | None = 1
) -> SweepTimes:
    """Run `python -m sdd sweep` over seeds of an MLP on the digits, as a process of its own.

    Args:
        folder: For its files; must hold no sweep yet.
        cells: How many runs.
        workers: How many of them at a time.
        levels: Of each run, the dense one included.
        epochs: Of each level, 8 steps each.
        threads: Of each run; None: the cores are shared.

    Raises:
        UserError: The sweep failed.
    """
    (folder / f"{_NAME}.yaml").write_text(yaml.safe_dump(_sweep(cells, levels, epochs, threads)))
    command = [sys.executable, "-m", "sdd", "sweep", f"{_NAME}.yaml", "--workers", str(workers)]
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    cpu, wall = _cpu_of_children(), time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": paths}
    )
    wall = time.perf_counter() - wall
    if done.returncode:
        raise UserError(f"the sweep in {folder} ended with {done.returncode}: {(done.stdout + done.stderr)[-500:]}")
    curves = list((folder / "runs" / _NAME).glob("*/curve.csv"))
    seconds = [float(row["seconds"]) for curve in curves for row in csv.DictReader(curve.open())]
    if len(seconds) != cells * levels:
        raise UserError(
            f"the sweep in {folder} has {len(seconds)} levels instead of {cells * levels}: give a new folder"
        )
    return SweepTimes(wall, _cpu_of_children() - cpu, sum(seconds))


def _sweep(cells: int, levels: int, epochs: int, threads: int | None) -> dict[str, object]:
    """Return the content of the sweep file."""
    settings = {
        "model.net": "sdd.models.MLP",
        "model.net.in_features": 64,
        "model.net.widths": [100],
        "model.net.num_classes": 10,
        "data.dataset": "digits",
        "data.noise_rate": 0.4,
        "data.batch_size": 128,
        "pruning.levels": levels - 1,
        "pruning.fraction": 0.2,
        "pruning.epochs_per_level": epochs,
        "pruning.exclude": ["fc.weight"],
        "trainer.accelerator": "cpu",
        "threads": threads,
    }
    fixed = [
        f"--{name}={yaml.safe_dump(value, default_flow_style=True).splitlines()[0]}" for name, value in settings.items()
    ]
    return {
        "program": "sdd",
        "method": "grid",
        "command": ["${env}", "python", "-m", "${program}", "fit", *fixed, "${args}"],
        "parameters": {"seed_everything": {"values": list(range(cells))}},
    }


def _cpu_of_children() -> float:
    """Return the CPU seconds of all processes that have come from this one and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
