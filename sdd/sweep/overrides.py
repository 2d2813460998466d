"""Settings on the command line of `sweep`: they take the place of those in its file, or are added to them."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from sdd.errors import UserError
from sdd.yaml_files import YAML_LOADER

_TOP = {"seed_everything", "threads", "matmul_precision", "preflight"}
"""Settings without a section that a sweep may set."""

_OURS = {"--config", "--run_dir", "--wait", "--requeue"}


def split_overrides(arguments: Sequence[str]) -> tuple[list[str], dict[str, list[Any]]]:
    """Take the settings out of a command line.

    A setting has a section (`--pruning.levels`), or is one of few without. A list gives values to sweep over, anything
    else is the one value; a setting that takes lists is given one within a list: `--pruning.exclude '[[fc.weight]]'`.

    Args:
        arguments: The command line after `sweep`.

    Returns:
        What is left of it; and the values of each setting, by its dotted name.

    Raises:
        UserError: A setting has no value, is given twice, or is decided by the sweep.
    """
    rest: list[str] = []
    found: dict[str, list[Any]] = {}
    words = iter(arguments)
    for word in words:
        flag, equals, text = word.partition("=")
        if flag in _OURS:
            raise UserError(f"{flag} cannot be set for all runs of a sweep: its file or --runs decides it")
        name = flag.removeprefix("--")
        if not flag.startswith("--") or not ("." in name or name in _TOP):
            rest.append(word)
            continue
        if not equals:
            text = next(words, "")
        if not text or (not equals and text.startswith("--")):
            raise UserError(f"{flag} has no value: give one, or a list of values to sweep over, such as '[1, 2]'")
        if name in found:
            raise UserError(f"{flag} is given twice: give a list of values to sweep over, such as '[1, 2]'")
        found[name] = _values(flag, text)
    return rest, found


def overridden(parameters: Any, overrides: Mapping[str, Sequence[Any]]) -> Any:
    """Return the section `parameters` of a sweep file with some settings replaced, or added.

    Args:
        parameters: As in the file; it stays as it is.
        overrides: Values by dotted name.
    """
    if not overrides:
        return parameters
    kept = _without(parameters, "", overrides) if isinstance(parameters, Mapping) else {}
    return {**kept, **{name: {"values": list(values)} for name, values in overrides.items()}}


def _without(parameters: Mapping[Any, Any], above: str, names: Mapping[str, Any]) -> dict[Any, Any]:
    """Return parameters without those of some dotted names, and without sections that hold none any more."""
    kept = {}
    for name, given in parameters.items():
        whole = f"{above}{name}"
        if whole in names:
            continue
        if isinstance(given, Mapping) and isinstance(given.get("parameters"), Mapping):
            within = _without(given["parameters"], f"{whole}.", names)
            if not within:
                continue
            given = {**given, "parameters": within}
        kept[name] = given
    return kept


def _values(flag: str, text: str) -> list[Any]:
    try:
        value = yaml.load(text, Loader=YAML_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{flag} is {text!r}, which is no YAML value: put it in quotes") from error
    if value == []:
        raise UserError(f"{flag} is an empty list: give at least one value")
    return value if isinstance(value, list) else [value]
