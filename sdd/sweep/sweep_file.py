"""A W&B sweep file, read; what cannot be honoured without W&B is refused."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdd.errors import UserError
from sdd.files import read_yaml
from sdd.sweep.agent_command import ARGUMENTS, DEFAULT, agent_command, fit_arguments
from sdd.sweep.grid import USE_WANDB, cells_of

# These say where W&B shows the sweep; a grid has no use for a metric.
_WITHOUT_EFFECT = {"name", "description", "project", "entity", "metric", "apiVersion", "kind"}
_HONOURED = {"method", "program", "command", "parameters"}


@dataclass(frozen=True)
class Cell:
    """One combination of values.

    Attributes:
        values: By name of the setting.
        arguments: The command line of `fit` for it, as an agent gives it, `fit` first.
    """

    values: dict[str, Any]
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class SweepFile:
    """A sweep file, read. Attributes: name: Of the file, without its ending. cells: In the order of their runs."""

    name: str
    cells: tuple[Cell, ...]


def read_sweep(path: Path) -> SweepFile:
    """Read a sweep file and enumerate its grid.

    Args:
        path: The file, in YAML.

    Raises:
        UserError: It cannot be read, or asks for something that only W&B can do; the message is one line.
    """
    content = _content(path)
    try:
        return SweepFile(path.stem, tuple(_cells(content)))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _cells(content: dict[Any, Any]) -> list[Cell]:
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
    cells = [
        Cell(values, tuple(fit_arguments(agent_command(command, program, values))))
        for values in cells_of(content.get("parameters"))
    ]
    if not ARGUMENTS & {str(part) for part in command}:
        raise UserError('command does not pass the swept values on: add "${args}" to it')
    return cells


def _content(path: Path) -> dict[Any, Any]:
    try:
        content = read_yaml(path)
    except UserError as error:
        raise UserError(f"{error}; give a sweep file, such as one of sweeps/") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds {_shown(content)}; a sweep file has method, program, command and parameters")
    return content


def _shown(value: Any) -> str:
    return "not set" if value is None else repr(value)
