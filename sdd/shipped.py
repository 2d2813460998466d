"""Configurations and sweeps that come with sdd, found by name from anywhere; a file of that name where one is, wins."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from sdd.errors import UserError
from sdd.messages import did_you_mean
from sdd.yaml_files import read_yaml

CONFIGS, SWEEPS = "configs", "sweeps"

_ENDING = ".yaml"
_SCRIPT = "slurm.sh"
_FLAGS = ("-c", "--config")
_ONE = {CONFIGS: "configuration", SWEEPS: "sweep"}
_IS_YAML = re.compile(r"[:\n{\[]")


def shipped(kind: str) -> dict[str, Path]:
    """Return what comes with sdd, by name.

    Args:
        kind: `configs` or `sweeps`.
    """
    found = sorted(_folder(kind).glob(f"*{_ENDING}"))
    return {path.stem: path for path in found}


def find(kind: str, given: str) -> Path:
    """Return the file that a command line means.

    Args:
        kind: `configs` or `sweeps`.
        given: A path, with or without its ending, here or in the folder of that name here; or the name of one that
            comes with sdd, which may say its folder and ending too.

    Raises:
        UserError: There is none; the message says what may be meant.
    """
    path = Path(given).expanduser()
    named = [path] if path.suffix else [path, Path(f"{path}{_ENDING}")]
    candidates = [*named, *(Path(kind) / one for one in named)]
    for one in candidates:
        if os.path.exists(one) and not one.is_dir():  # of a run's folder that has its name
            return one
    there_are = shipped(kind)
    if path.parent in (Path(), Path(kind)) and path.suffix in ("", _ENDING) and path.stem in there_are:
        return there_are[path.stem]
    if os.path.isdir(path):  # Path asks in vain for a name that is too long
        raise UserError(f"{given!r} is a folder, and no {_ONE[kind]} of sdd is called so; give a file, or a name")
    near = did_you_mean(path.stem, there_are, "")
    raise UserError(
        f"there is no {_ONE[kind]} {given!r}, neither as a file here nor by name among those of sdd{near} "
        "(`python -m sdd configs` lists them)"
    )


def with_files(arguments: Sequence[str]) -> list[str]:
    """Return a command line of `fit`, `test` or `validate` with the paths of the configurations that it names.

    Args:
        arguments: After the program's name.

    Raises:
        UserError: There is no configuration of that name.
    """
    told, follows = list[str](), False
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if follows:
            told.append(_config(argument))
        elif flag in _FLAGS and equals:
            told.append(f"{flag}={_config(value)}")
        else:
            told.append(argument)
        follows = not follows and flag in _FLAGS and not equals
    return told


def text_of(name: str) -> str:
    """Return what a configuration, a sweep or the Slurm script that comes with sdd holds.

    Args:
        name: As `python -m sdd configs` lists it.

    Raises:
        UserError: There is none of that name.
    """
    script = _folder(SWEEPS) / _SCRIPT
    there_are = {**shipped(SWEEPS), **shipped(CONFIGS), _SCRIPT: script}
    wanted = Path(name).name.removesuffix(_ENDING)
    if wanted not in there_are:
        raise UserError(f"nothing called {name!r} comes with sdd{did_you_mean(wanted, there_are, '')}; see sdd configs")
    return there_are[wanted].read_text(encoding="utf-8")


def _config(given: str) -> str:
    """Return the path of a configuration that can be read; what is none, such as settings in YAML, stays as it is."""
    if not given or given == "-" or _IS_YAML.search(given):
        return given
    path = find(CONFIGS, given)
    if path.is_file():  # a pipe can be read but once
        read_yaml(path)
    return str(path)


def _folder(kind: str) -> Path:
    """Return where they lie: within the installed package, or beside the package of a checkout."""
    package = Path(__file__).parent
    within = package / "share" / kind
    return within if within.is_dir() else package.parent / kind
