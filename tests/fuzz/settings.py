"""Extreme values of every setting of `fit`, and what becomes of a run with one of them."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from random import Random
from typing import Any

import torch
import yaml

from sdd.argument_types import fits
from sdd.cli.wiring import parser_of
from sdd.models import MLP
from tests.fuzz.copies import Ended, run_copy
from tests.fuzz.outcomes import Outcome, wrong_end
from tests.small import CONFIG

VALUES = (
    *[
        "-1",
        "0",
        "1",
        "2",
        "0.5",
        "-0.5",
        "1e-300",
        "1e18",
        "1e400",
        "-1e400",
        ".nan",
        "nan",
        ".inf",
        "-.inf",
        "inf",
        "0x10",
        "1_000",
        "2020-01-01",
    ],
    *["9223372036854775808", "-9223372036854775809", "100000000000000000000000"],
    *[
        "null",
        "true",
        "false",
        "auto",
        "all",
        "none",
        "ünïcödé",
        "a,b",
        "../../x",
        "no.such.Thing",
        "os.getcwd",
        "torch.nn.Linear",
        "sdd.models.MLP",
    ],
    *["[]", "{}", "[1]", "[0.5]", "[-1]", "[.nan]", "[null]", "[1,x]", "[[[]]]", "*alias", "&a", "%", "{", "@", "--"],
    *["lightning.pytorch.callbacks.Callback", "[lightning.pytorch.callbacks.Timer]"],
    *("", " ", "a b", "{a: 1}", "{a: {b: []}}", ": :", "- -", "!!python/object/apply:os.getcwd []", "x" * 5000),
)
"""Each as it would be written behind a flag."""

TINY = (
    *("fit", "--config", str(CONFIG), "--run_dir", "run", "--progress.show", "none", "--model.net.widths", "[4]"),
    *("--data.train_size", "20", "--data.batch_size", "10", "--data.root", "data"),
    *("--pruning.levels", "1", "--pruning.fraction", "0.5", "--pruning.epochs_per_level", "1"),
)
"""One level of one epoch of two batches."""

_IN_USE = {
    "dynamics": ("--dynamics.levels", "all"),
    "calibration": ("--calibration.ece", "true"),
    "entropy": ("--entropy.activation", "true"),
    "flatness": (
        *("--flatness.hessian_top", "true", "--flatness.hessian_trace", "true", "--flatness.sharpness", "true"),
        *("--flatness.loss_curves", "true", "--flatness.spectrum", "true", "--flatness.examples", "10"),
        *("--flatness.top_iterations", "2", "--flatness.trace_probes", "1", "--flatness.directions", "1"),
        *("--flatness.points", "3", "--flatness.spectrum_steps", "2", "--flatness.spectrum_probes", "1"),
    ),
}
"""By section, what makes its settings count."""

_TAKES_LONG = {
    *((name, "auto") for name in ("pruning.dense_from", "pruning.masks_from", "model.distill_from")),
    ("trainer.devices", "2"),
    ("pruning.levels", "1_000"),
}
"""These start processes that import everything anew, which tests of their own try, or are work for minutes."""


@dataclass(frozen=True)
class Case:
    """Settings with values.

    Attributes:
        given: Names of settings, and how each value is written behind its flag.
        typed: Whether all values are of a type that their setting has.
        more: Further arguments.
        counted: What it is counted under; empty: the section of its first setting.
    """

    given: tuple[tuple[str, str], ...]
    typed: bool
    more: tuple[str, ...] = ()
    counted: str = ""

    @property
    def name(self) -> str:
        """The name of the first setting."""
        return self.given[0][0]

    @property
    def section(self) -> str:
        """What it is counted under."""
        return self.counted or self.name.partition(".")[0]

    @property
    def arguments(self) -> list[str]:
        """The command line of `fit` with them; they stand last, so that they count."""
        used = {name.partition(".")[0]: None for name, _ in self.given}
        in_use = [argument for section in used for argument in _IN_USE.get(section, ())]
        return [*TINY, *in_use, *self.more, *(f"--{name}={value}" for name, value in self.given)]

    def __str__(self) -> str:
        return " ".join([f"--{name}={value if len(value) < 50 else value[:20] + '…'}" for name, value in self.given])


def types_by_name() -> dict[str, Any]:
    """Return the annotations of all settings and sections, and of the classes that the configuration chooses."""
    found = {
        action.dest: getattr(action, "_typehint", dict)
        for action in parser_of("fit")._actions
        if f"--{action.dest}" in action.option_strings and not action.dest.endswith(("help", "print_config"))
    }
    for name, kind in {"model.net": MLP, "model.optimizer": torch.optim.SGD}.items():
        arguments = signature(kind).parameters.values()
        found |= {f"{name}.{one.name}": one.annotation for one in arguments if one.name != "params"}
    return found


def all_cases() -> list[Case]:
    """Return every setting with every value."""
    return [
        Case(((name, value),), _is_of_type(value, annotation))
        for name, annotation in types_by_name().items()
        for value in VALUES
        if (name, value) not in _TAKES_LONG
    ]


def sample(count: int, seed: int) -> list[Case]:
    """Return some cases, of all settings in turn; seven of eight of a type that the setting has."""
    cases = all_cases()
    Random(seed).shuffle(cases)
    allowed, others = (_in_turn([case for case in cases if case.typed == typed]) for typed in (True, False))
    return [case for turn in range(count) if (case := next(others if turn % 8 == 7 else allowed, None)) is not None]


def _in_turn(cases: Sequence[Case]) -> Iterator[Case]:
    """Yield one case of each setting, then a second one, and so on."""
    by_name: dict[str, list[Case]] = {}
    for case in cases:
        by_name.setdefault(case.name, []).append(case)
    for turn in range(len(VALUES)):
        yield from (of_one[turn] for of_one in by_name.values() if turn < len(of_one))


def _is_of_type(value: str, annotation: Any) -> bool:
    try:
        return fits(yaml.safe_load(value), annotation) or fits(value, annotation)
    except yaml.YAMLError:
        return fits(value, annotation)


def outcomes(cases: Sequence[Case]) -> Iterator[Outcome]:
    """Run cases, each in a folder of its own."""
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="sdd-fuzz-") as folder:
            place = Path(folder) / "here"
            place.mkdir()
            ended = run_copy(case.arguments, place)
            yield Outcome(str(case), case.section, *_judged(case, ended, place))


def _judged(case: Case, ended: Ended, place: Path) -> tuple[str, str]:
    lines = ended.err.splitlines()
    last = lines[-1] if lines else ""
    if wrong := wrong_end(ended):
        return wrong
    if ended.status == 2:
        if len(lines) != 1:
            return "not one line", " | ".join(lines)[:300]
        return (
            ("refused, but left something", str(next(place.iterdir()))) if any(place.iterdir()) else ("refused", last)
        )
    if ended.status == 75 and "the same command goes on" in last:
        return "stopped", last
    if ended.status == 0 and "nothing was written" in ended.out and not any(place.iterdir()):
        return "tried", ""
    if ended.status != 0 or not any(place.rglob("summary.json")):
        return "ends otherwise", f"status {ended.status}: {last}"
    configs = list(place.rglob("config.yaml"))  # a run that it builds on has one too
    for name, value in case.given:
        held = [_value(name, config) for config in configs]
        if not any(_is_asked(one, value) for one in held):
            return "something else", f"{name}: {held!r}"
    return "trained", ""


def _value(name: str, config: Path) -> Any:
    """Return a setting as a run's configuration holds it."""
    held = yaml.safe_load(config.read_text())
    for part in name.split("."):
        held = held.get(part) if isinstance(held, dict) else None
        if isinstance(held, dict) and "init_args" in held and part in {"net", "optimizer"}:
            held = held["init_args"]
    return held


def _is_asked(held: Any, value: str) -> bool:
    """Tell whether a stored value is the one that was given, however it is written."""
    if isinstance(held, dict) or (isinstance(held, list) and any(isinstance(one, dict) for one in held)):
        return True  # classes with their arguments
    if isinstance(held, str) and held == value:
        return True
    try:
        given = yaml.safe_load(value)
    except yaml.YAMLError:
        return False
    if isinstance(given, str):
        try:
            given = float(given)
        except ValueError:
            return str(held) == given
    if isinstance(given, int) and isinstance(held, float) and not isinstance(given, bool):
        return float(given) == held  # a float holds no larger integer exactly
    if isinstance(given, float) and isinstance(held, float | int) and not isinstance(held, bool):
        return given == held or (math.isnan(given) and math.isnan(held))
    return bool(given == held and isinstance(given, bool) == isinstance(held, bool))
