"""Costs of whole processes: imports, start of a run, a finished run asked again, memory."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sdd.bench.epochs import Pairs
from sdd.bench.table import Row
from sdd.errors import UserError
from sdd.messages import one_line

_IMPORTS = "import sdd.cli.command, sdd.callbacks, sdd.models, sdd.data.datasets.digits"

_TINY = (
    *("--data.train_size", "100", "--model.net.widths", "[20]", "--pruning.levels", "1"),
    *("--pruning.epochs_per_level", "1", "--progress.show", "none"),
)


def start_rows(config: Path, rounds: int) -> list[Row]:
    """Time the start of processes in CPU seconds, beside a process that only imports what they need.

    Args:
        config: Of the digits experiment.
        rounds: How many of each.
    """
    torch_alone, imports, fresh, finished = (Pairs() for _ in range(4))
    for _ in range(rounds):
        imported = cpu_seconds("-c", _IMPORTS)
        torch_alone.append((None, cpu_seconds("-c", "import torch")))
        imports.append((None, imported))
        with tempfile.TemporaryDirectory() as folder:
            fit = ("-m", "sdd", "fit", "--config", str(config), *_TINY, "--run_dir", str(Path(folder) / "run"))
            fresh.append((imported, cpu_seconds(*fit)))
            finished.append((imported, cpu_seconds(*fit)))
    return [
        Row("import torch", "", torch_alone, "CPU-s"),
        Row("imports of fit", "", imports, "CPU-s"),
        Row("a tiny new run, whole", "imports of fit", fresh, "CPU-s"),
        Row("fit on a finished run", "imports of fit", finished, "CPU-s"),
    ]


def cpu_seconds(*arguments: str) -> float:
    """Run Python with arguments; return the CPU seconds that it and its children took."""
    before = _children()
    _run(*arguments)
    return _children() - before


def _run(*arguments: str) -> str:
    """Run Python with arguments; return what it prints."""
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
    )
    if done.returncode:
        raise UserError(f"what is to be timed fails: {one_line(done.stderr)[-500:]}")
    return done.stdout


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def memory_row(examples: int, side: int) -> Row:
    """Measure the largest memory of a run's start on many images, in GB, beside the images alone.

    Args:
        examples: Training images.
        side: Of the square colour images, in pixels.
    """
    arguments: Sequence[str] = (
        *("--data.dataset", "sdd.bench.tasks.random_images", "--data.noise_rate", "0.2"),
        *("--data.dataset_args", f"{{examples: {examples}, classes: 200, side: {side}}}"),
        *("--model.net", "sdd.models.MLP", "--model.net.in_features", str(3 * side * side)),
        *("--model.net.num_classes", "200", "--model.net.widths", "[4]", "--model.optimizer", "torch.optim.SGD"),
        *("--model.optimizer.lr", "0.1", "--pruning.levels", "0", "--pruning.epochs_per_level", "1"),
        *("--trainer.limit_train_batches", "2", "--trainer.accelerator", "cpu", "--progress.show", "none"),
    )
    with tempfile.TemporaryDirectory() as folder:
        program = (
            "import resource, sys; from sdd.__main__ import main; status = main(sys.argv[1:]); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(status)"
        )
        printed = _run("-c", program, "fit", *arguments, "--run_dir", str(Path(folder) / "run"))
    peak = int(printed.split()[-1]) * (1 if sys.platform == "darwin" else 1024)
    images = 1.1 * examples * 3 * side * side
    return Row(
        f"{examples:,} images of 3 x {side} x {side}, peak memory", "the images", [(images / 1e9, peak / 1e9)], "GB"
    )
