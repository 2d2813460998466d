"""A W&B sweep file, read; what cannot be honoured without W&B is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdd.errors import UserError
from sdd.shipped import SWEEPS, find
from sdd.sweep.agent_command import ARGUMENTS, DEFAULT, agent_command, fit_arguments
from sdd.sweep.grid import USE_WANDB, cells_of
from sdd.sweep.overrides import overridden
from sdd.yaml_files import read_yaml

# These say where W&B shows the sweep; a grid has no use for a metric.
_WITHOUT_EFFECT = {"name", "description", "project", "entity", "metric", "apiVersion", "kind"}
_HONOURED = {"method", "program", "command", "parameters"}


@dataclass(frozen=True)
class Cell:
    """One combination of values.

    Attributes:
        values: By name of the setting, of those that differ between cells.
        arguments: The command line of `fit` for it, as an agent gives it, `fit` first.
        logs: Whether its loggers are those of its command line; else it has none, as those in a file are for agents.
    """

    values: dict[str, Any]
    arguments: tuple[str, ...]
    logs: bool = False


@dataclass(frozen=True)
class SweepFile:
    """A sweep file, read. Attributes: name: Of the file, without its ending. cells: In the order of their runs."""

    name: str
    cells: tuple[Cell, ...]


def read_sweep(path: Path, overrides: Mapping[str, Sequence[Any]] = {}) -> SweepFile:
    """Read a sweep file and enumerate its grid.

    Args:
        path: The file, in YAML, or the name of one that comes with sdd.
        overrides: Values of settings by dotted name, which take the place of those in the file.

    Raises:
        UserError: It cannot be read, or asks for something that only W&B can do; the message is one line.
    """
    path = find(SWEEPS, str(path))
    content = _content(path)
    try:
        return SweepFile(path.stem, tuple(_cells(content, overrides)))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _cells(content: dict[Any, Any], overrides: Mapping[str, Sequence[Any]]) -> list[Cell]:
    method = content.get("method")
    if method in {"random", "bayes"}:
        raise UserError(f"method is {method}; sdd sweep runs a grid: set method: grid, {USE_WANDB}")
    if method != "grid":
        raise UserError(f"method is {_shown(method)}; allowed: grid (random and bayes with W&B only)")
    unknown = sorted(str(key) for key in content.keys() - _WITHOUT_EFFECT - _HONOURED)
    if unknown:
        raise UserError(f"{', '.join(unknown)} cannot be honoured by sdd sweep: leave it out, {USE_WANDB}")
    program = content.get("program")
    if not isinstance(program, str):
        raise UserError(f"program is {_shown(program)}; it must be sdd")
    command = content.get("command", list(DEFAULT))
    if not isinstance(command, list) or not all(isinstance(part, str | int | float) for part in command):
        raise UserError(f"command is {_shown(command)}; it must be a list of words")
    logs = any(name.partition(".")[2].split(".")[0] == "logger" for name in overrides if name.startswith("trainer."))
    every = cells_of(overridden(content.get("parameters"), overrides))
    cells = [
        Cell(_varying(values, every), tuple(fit_arguments(agent_command(command, program, values))), logs)
        for values in every
    ]
    if not ARGUMENTS & {str(part) for part in command}:
        raise UserError('command does not pass the swept values on: add "${args}" to it')
    return cells


def _varying(values: dict[str, Any], every: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return those values of a cell that are not the same in every cell; all of the only one."""
    return {
        name: value
        for name, value in values.items()
        if len(every) == 1 or any(other.get(name) != value for other in every)
    }


def _content(path: Path) -> dict[Any, Any]:
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} holds {_shown(content)}; a sweep file has method, program, command and parameters")
    return content


def _shown(value: Any) -> str:
    return "not set" if value is None else repr(value)
