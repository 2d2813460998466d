"""What a level costs beside its steps, part by part, in a run of the command line."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from sdd.bench.epochs import synchronise
from sdd.bench.resuming import checksum_seconds
from sdd.bench.table import Row
from sdd.callbacks import AccuracyMeasures
from sdd.callbacks.lean_loop import LeanEpochLoop
from sdd.callbacks.level_driver import LevelDriver
from sdd.cli.command import run_experiment
from sdd.cli.wiring import CALLBACKS
from sdd.runs.folder import RunFolder

_STEPS = "steps"

_TIMED = ("_begin_level", "measure_level", "on_level_end", "on_train_epoch_end", "run")
"""Methods that train an epoch, or work at the start or end of a level."""

_NAMES: dict[type, str] = {LevelDriver: "pruning", LeanEpochLoop: _STEPS}

FLATNESS = ("--flatness.hessian_top", "true", "--flatness.hessian_trace", "true", "--flatness.sharpness", "true")


def level_rows(name: str, settings: Sequence[str], levels: int, epochs: int, whole: int) -> list[Row]:
    """Time the parts of levels; those of less than a thousandth of a second are left out.

    Args:
        name: Of the experiment.
        settings: Arguments of `fit` for it.
        levels: Beside the dense one.
        epochs: Of each level.
        whole: Epochs that a level of the experiment has; the last rows set checksums, and all parts, beside as many
            epochs of steps.
    """
    spent: dict[str, float] = defaultdict(float)
    with (
        tempfile.TemporaryDirectory() as folder,
        redirect_stdout(StringIO()),
        redirect_stderr(StringIO()),
        _timed([*CALLBACKS.values(), LevelDriver, AccuracyMeasures, LeanEpochLoop], spent),
    ):
        run_experiment(
            [
                *("fit", *settings, "--progress.show", "none", "--preflight", "false"),
                *("--pruning.levels", str(levels), "--pruning.epochs_per_level", str(epochs)),
                *("--run_dir", str(Path(folder) / "run")),
            ]
        )
        checksums = checksum_seconds(RunFolder(Path(folder) / "run"))
    each = {part: seconds / (levels + 1) for part, seconds in spent.items()}
    steps = each.pop(_STEPS) / epochs * whole
    rows = [Row(f"{name}, a level's {part}", "", [(None, value)]) for part, value in each.items() if value > 1e-3]
    beside = f"{name}, a level with all of it, {whole} epochs"
    written = Row(f"{name}, checksums of a level's checkpoint and file", "its steps", [(steps, checksums)])
    return [*rows, written, Row(beside, "its steps", [(steps, steps + sum(each.values()))])]


@contextmanager
def _timed(kinds: Sequence[type], spent: dict[str, float]) -> Iterator[None]:
    """Add up what methods of classes take, less what other timed ones take within them."""
    inner: list[float] = []

    def wrapped(kind: type, method: str) -> Callable[..., Any]:
        original = getattr(kind, method)
        name = _NAMES.get(kind, f"{kind.__name__}.{method}")

        def timed(*arguments: Any, **named: Any) -> Any:
            inner.append(0.0)
            start = time.perf_counter()
            try:
                return original(*arguments, **named)
            finally:
                synchronise()
                seconds = time.perf_counter() - start
                spent[name] += seconds - inner.pop()
                if inner:
                    inner[-1] += seconds

        return timed

    originals = [(kind, method, vars(kind)[method]) for kind in kinds for method in _TIMED if method in vars(kind)]
    for kind, method, _ in originals:
        if (kind, method) != (LevelDriver, "on_train_epoch_end"):  # which calls what others do
            setattr(kind, method, wrapped(kind, method))
    try:
        yield
    finally:
        for kind, method, original in originals:
            setattr(kind, method, original)
