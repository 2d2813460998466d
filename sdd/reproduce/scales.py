"""Sizes at which the figures can be made: which configuration, seeds and settings stand for each task of the paper."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from sdd.errors import UserError
from sdd.messages import did_you_mean
from sdd.reproduce.experiments import NOISE_TYPES, TASKS, decided_by
from sdd.yaml_files import read_yaml

_FOLDER = Path(__file__).with_name("scales")
_ENDING = ".yaml"


@dataclass(frozen=True)
class TaskScale:
    """How one task of the paper, a data set and network, is done at a scale.

    Attributes:
        config: Name of a configuration that comes with sdd, or path of one.
        seeds: Training seeds, `seed_everything`.
        seconds_per_epoch: About how long an epoch takes on the scale's machine.
        title: What it is called in figures; empty: by its name in the paper.
        settings: What differs from the configuration, as flat dotted keys.
        noise_types: Noise types that stand in for others, by the other's name.
        one_shot: Sparsities, each pruned to at once from one dense network; None: a run prunes level by level.
    """

    config: str
    seeds: tuple[int, ...]
    seconds_per_epoch: float
    title: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    noise_types: Mapping[str, str] = field(default_factory=dict)
    one_shot: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Scale:
    """A size at which the figures are made.

    Attributes:
        name: Of its file, without the ending.
        about: What is reduced, in half a sentence.
        machine: On which an epoch takes as long as the tasks say.
        tasks: By name.
    """

    name: str
    about: str
    machine: str
    tasks: Mapping[str, TaskScale]


def scale_names() -> tuple[str, ...]:
    """Return the names of the scales that come with sdd, the smallest first."""
    names = [path.stem for path in _FOLDER.glob(f"*{_ENDING}")]
    return tuple(sorted(names, key=lambda name: (["digits", "reduced", "paper"].index(name), name)))


def read_scale(name: str) -> Scale:
    """Read a scale.

    Args:
        name: One of `scale_names`, or the path of a file of the same form.

    Raises:
        UserError: There is none, or it is damaged; one line.
    """
    path = _FOLDER / f"{name}{_ENDING}" if name in scale_names() else Path(name)
    if not os.path.exists(path):
        raise UserError(
            f"--scale is {name}; allowed: {', '.join(scale_names())}, or a file such as sdd's scales/digits.yaml"
            f"{did_you_mean(name, scale_names())}"
        )
    content = read_yaml(path)
    if not isinstance(content, dict) or not isinstance(content.get("tasks"), dict):
        raise UserError(f"{path} holds no scale: it must have about, machine and tasks, as sdd's scales/digits.yaml")
    tasks = {task: _task(path, task, given) for task, given in content["tasks"].items()}
    if missing := sorted(set(TASKS) ^ set(tasks), key=str):
        word = "lacks" if missing[0] in TASKS else "names the unknown"
        raise UserError(f"{path} {word} task {missing[0]}; it must have: {', '.join(TASKS)}")
    if unknown := sorted(content.keys() - {"about", "machine", "tasks"}, key=str):
        raise UserError(f"{path} has the unknown key {unknown[0]!r}; allowed: about, machine, tasks")
    for key in ("about", "machine"):
        if not isinstance(content.get(key), str):
            raise UserError(f"{path}: {key} is {content.get(key)!r}; it must be a text, as in sdd's scales/digits.yaml")
    return Scale(path.stem, content["about"], content["machine"], tasks)


def _task(path: Path, name: str, given: Any) -> TaskScale:
    where = f"{path}, task {name}"
    known = {part.name for part in fields(TaskScale)}
    if not isinstance(given, dict) or (unknown := sorted(given.keys() - known, key=str)):
        named = f"has the unknown key {unknown[0]!r}" if isinstance(given, dict) else f"is {given!r}"
        raise UserError(f"{where} {named}; allowed: {', '.join(sorted(known))}")
    seeds, seconds, one_shot = given.get("seeds"), given.get("seconds_per_epoch"), given.get("one_shot")
    if not isinstance(given.get("config"), str):
        raise UserError(f"{where} needs config, the name of a configuration such as digits_mlp")
    if not isinstance(seeds, list) or not seeds or not all(type(seed) is int for seed in seeds):
        raise UserError(f"{where}: seeds is {seeds!r}; it must be a list of whole numbers, such as [0, 1, 2]")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < math.inf:
        raise UserError(f"{where}: seconds_per_epoch is {seconds!r}; it must be a number above 0")
    for key in ("settings", "noise_types"):
        if not isinstance(given.get(key, {}), dict):
            raise UserError(f"{where}: {key} is {given[key]!r}; it must be values by name")
    for noise in given.get("noise_types", {}):
        if noise not in NOISE_TYPES:
            raise UserError(
                f"{where}: noise_types has {noise!r}, which no figure has; allowed: {', '.join(NOISE_TYPES)}"
                f"{did_you_mean(str(noise), NOISE_TYPES)}"
            )
    for setting in given.get("settings", {}):
        if decided := decided_by(str(setting)):
            raise UserError(
                f"{where}: settings has {setting}, but figures and scales decide {decided}: leave it out; seeds, "
                "noise_types and one_shot are keys beside settings"
            )
    if one_shot is not None and not (isinstance(one_shot, list) and one_shot and all(map(_is_sparsity, one_shot))):
        raise UserError(
            f"{where}: one_shot is {one_shot!r}; it must be a list of sparsities above 0 and at most 1, such as "
            "[0.5, 0.9]"
        )
    return TaskScale(
        config=given["config"],
        seeds=tuple(dict.fromkeys(seeds)),
        seconds_per_epoch=float(seconds),
        title=str(given.get("title", "")),
        settings=given.get("settings", {}),
        noise_types=given.get("noise_types", {}),
        one_shot=None if one_shot is None else tuple(dict.fromkeys(one_shot)),
    )


def _is_sparsity(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1
