"""What may stand on a command line: the options of each command, their values, and names."""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import Any, Literal, get_args, get_origin

import yaml

from sdd.cli.help_page import ALL, SECTIONS
from sdd.cli.wiring import parser_of
from sdd.data.augmentations import AUGMENTATIONS
from sdd.data.datasets import DATASETS
from sdd.data.noise import NOISE_TYPES
from sdd.losses import LOSSES
from sdd.pruning.criteria import CRITERIA
from sdd.pruning.retraining import RETRAININGS
from sdd.pruning.schedules import SCHEDULES
from sdd.pruning.scopes import SCOPES
from sdd.shipped import CONFIGS, SWEEPS, shipped

CONFIG_FLAGS = ("-c", "--config")
"""Take the name of a configuration that comes with sdd, or a file."""

_KINDS = (AUGMENTATIONS, DATASETS, NOISE_TYPES, LOSSES, CRITERIA, RETRAININGS, SCHEDULES, SCOPES)
_TAKE_SETTINGS = ("sweep", "data")
_OPTION = re.compile(r"^  (?:-\w, )?(--[\w.]+)(?: \[?\{(.*?)\})?", re.MULTILINE)
_CLASSES = ("model.net", "model.optimizer", "model.lr_scheduler")


@dataclass(frozen=True)
class Words:
    """What one command takes.

    Attributes:
        options: Its options, each with the values that are known of it; none: any text, or a file.
        names: What may stand without an option, beside files and folders.
    """

    options: dict[str, tuple[str, ...]]
    names: tuple[str, ...] = ()


def experiment_words(command: str) -> Words:
    """Return what `fit`, `test` or `validate` takes.

    Args:
        command: Which of them.
    """
    options = {"--help": (*SECTIONS, ALL)}
    for action in parser_of(command)._actions:
        values = tuple(_values(getattr(action, "_typehint", None)))
        options |= dict.fromkeys((one for one in action.option_strings if _is_plain(one)), values)
    options |= {f"--{kind.setting}": kind.names for kind in _KINDS}
    options |= {f"--{name}": () for name in _arguments_of_classes()}
    return Words(options | dict.fromkeys(CONFIG_FLAGS, tuple(shipped(CONFIGS))))


def command_words(command: str, module: str, experiment: Words) -> Words:
    """Return what any other command takes, as its `--help` says.

    Args:
        command: Its name.
        module: That holds its function.
        experiment: What `fit` takes, for commands that take settings too.
    """
    function, page = getattr(import_module(module), command), io.StringIO()
    with redirect_stdout(page), suppress(SystemExit):
        function(["--help"])
    own = {name: tuple(filter(None, values.split(","))) for name, values in _OPTION.findall(page.getvalue())}
    settings = experiment.options if command in _TAKE_SETTINGS else {}
    return Words({**settings, **own, "--help": ()}, _names(command))


def _names(command: str) -> tuple[str, ...]:
    if command == "sweep":
        return tuple(shipped(SWEEPS))
    return (*shipped(CONFIGS), *shipped(SWEEPS)) if command == "configs" else ()


def _is_plain(option: str) -> bool:
    return option.startswith("--") and not option.endswith(("+", ".help"))


def _values(typehint: Any) -> Iterator[str]:
    """Yield the values that a type allows by name."""
    if typehint is bool:
        yield from ("true", "false")
    elif get_origin(typehint) is Literal:
        yield from (str(value) for value in get_args(typehint))
    else:
        for inner in get_args(typehint):
            if inner is not bool or len(get_args(typehint)) == 2:  # bool or nothing; not bool, number or list
                yield from _values(inner)


def _arguments_of_classes() -> Iterator[str]:
    """Yield the settings of the networks, optimizers and schedules that the configurations of sdd name."""
    for path in shipped(CONFIGS).values():
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        for setting in _CLASSES:
            section, _, name = setting.partition(".")
            chosen = config.get(section, {}).get(name)
            if chosen is not None:
                yield from (f"{setting}.{argument}" for argument in _arguments_of(chosen["class_path"]))


def _arguments_of(class_path: str) -> Sequence[str]:
    module, _, name = class_path.rpartition(".")
    given = {"params", "optimizer"}  # by the program
    return [one for one in signature(getattr(import_module(module), name)).parameters if one not in given]
