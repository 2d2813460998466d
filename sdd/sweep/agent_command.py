"""The command of a cell, rendered as `wandb agent` renders it."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from sdd.errors import UserError
from sdd.sweep.grid import USE_WANDB

ENV, INTERPRETER = "/usr/bin/env", "python"
DEFAULT = ("${env}", "${interpreter}", "${program}", "${args}")
ARGUMENTS = {"${args}", "${args_no_equals}", "${args_no_boolean_flags}"}

_VARIABLE = re.compile(r"\$\{envvar:([A-Z0-9_]*)\}")
_WANTED = '["${env}", python, -m, "${program}", fit, --config, FILE, "${args}"] with program: sdd'


def agent_command(command: Sequence[Any], program: str, cell: Mapping[str, Any]) -> list[str]:
    """Return the command that an agent starts for a cell.

    Args:
        command: As in the sweep file.
        program: Likewise.
        cell: Values by name.

    Raises:
        UserError: It has a macro that is unknown or cannot be honoured.
    """
    macros = {
        "${env}": [ENV],
        "${interpreter}": [INTERPRETER],
        "${program}": [program],
        "${args}": [f"--{name}={value}" for name, value in cell.items()],
        "${args_no_equals}": [text for name, value in cell.items() for text in (f"--{name}", str(value))],
        "${args_no_boolean_flags}": [
            f"--{name}" if value is True else f"--{name}={value}" for name, value in cell.items() if value is not False
        ],
    }
    rendered: list[str] = []
    for given in command:
        part = _VARIABLE.sub(_variable, str(given))
        if part not in macros and "${" in part:
            raise UserError(
                f"command has {part}; sdd sweep knows, each as an item of its own: {', '.join(macros)}, and "
                f"${{envvar:NAME}}: use these, {USE_WANDB}"
            )
        rendered += macros.get(part, [part])
    return rendered


def fit_arguments(rendered: Sequence[str]) -> list[str]:
    """Return what follows `python -m sdd` in a rendered command, `fit` first.

    Args:
        rendered: As `agent_command` returns it.

    Raises:
        UserError: It is another program, another interpreter than this one, or another command of `sdd`.
    """
    words = list(rendered[1:] if rendered[:1] == [ENV] else rendered)
    if words[:1] and words[0] in {INTERPRETER, "python3", sys.executable} and words[1:4] == ["-m", "sdd", "fit"]:
        return words[3:]
    raise UserError(
        f"command is {' '.join(rendered[:6])}{' …' if len(rendered) > 6 else ''}; sdd sweep runs its own fit alone: "
        f"write command: {_WANTED}, {USE_WANDB}"
    )


def _variable(found: re.Match[str]) -> str:
    value = os.environ.get(found[1])
    if value is None:
        raise UserError(f"command names the environment variable {found[1]}, which is not set: set it")
    return value
