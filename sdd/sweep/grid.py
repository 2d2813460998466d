"""The cells of a grid: every combination of the values that a sweep file gives, as W&B enumerates them."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import yaml

from sdd.errors import UserError

USE_WANDB = "or use W&B (wandb sweep FILE, then wandb agent SWEEP_ID)"

# What W&B's engine joins nested names with before it sorts them.
_NESTING = ".wbnest[599c28ca25da]."

Path = tuple[str, ...]


def cells_of(parameters: Any) -> list[dict[str, Any]]:
    """Enumerate a grid.

    Parameters are sorted by name, and the last one changes fastest. A value that is listed twice counts once.
    Single values are in every cell. Parameters within parameters become nested dictionaries.

    Args:
        parameters: The section `parameters` of a sweep file.

    Returns:
        The values by name, one dictionary a cell.

    Raises:
        UserError: A parameter has no finite list of values, or one that cannot be passed on.
    """
    leaves = list(_leaves(parameters, ()))
    return [
        _nested({path: value for (path, _), value in zip(leaves, combination, strict=True)})
        for combination in product(*(values for _, values in leaves))
    ]


def _leaves(parameters: Any, above: Path) -> Iterator[tuple[Path, list[Any]]]:
    """Yield each parameter with its values, sorted by name at each depth."""
    section = ".".join((*above, "parameters"))
    if not isinstance(parameters, Mapping):
        raise UserError(f"{section} is {_shown(parameters)}; it must give each swept setting its values by name")
    for name in parameters:
        if not isinstance(name, str):
            raise UserError(
                f"{section} has the key {name!r}; it must be the name of a setting, such as seed_everything"
            )
    for name, given in sorted(parameters.items()):
        path = (*above, name)
        if isinstance(given, Mapping) and "parameters" in given:
            _check_keys(path, given, {"parameters"})
            yield from _leaves(given["parameters"], path)
        else:
            yield path, _values(path, given)


def _values(path: Path, given: Any) -> list[Any]:
    name = ".".join(path)
    if not isinstance(given, Mapping):
        raise UserError(f"parameters: {name} is {_shown(given)}; write {name}: {{value: …}} or {{values: […]}}")
    if "value" in given and "values" not in given:
        _check_keys(path, given, {"value", "distribution"}, "constant")
        values = [given["value"]]
    else:
        _check_keys(path, given, {"values", "distribution"}, "categorical")
        if "values" not in given or not isinstance(given["values"], list) or not given["values"]:
            raise UserError(f"parameters: {name} needs a list of values, such as {name}: {{values: [0, 1, 2]}}")
        values = given["values"]
    for value in values:
        _check_value(name, value)
    return list({yaml.safe_dump(value, sort_keys=True): value for value in values}.values())


def _check_keys(path: Path, given: Mapping[Any, Any], allowed: set[str], distribution: str | None = None) -> None:
    name = ".".join(path)
    drawn = sorted(str(key) for key in given.keys() - allowed)
    if drawn:
        raise UserError(
            f"parameters: {name} has {', '.join(drawn)}; sdd sweep runs a grid of listed values: give {name} values, "
            f"{USE_WANDB}"
        )
    if given.get("distribution", distribution) != distribution:
        raise UserError(
            f"parameters: {name} has the distribution {given['distribution']}; sdd sweep runs a grid of listed "
            f"values: give {name} values, {USE_WANDB}"
        )


def _check_value(name: str, value: Any) -> None:
    """Refuse what the text of a command line would not bring back as it is."""
    if value is None:
        raise UserError(f'parameters: {name} has the value null, which agents pass on as the word None; write "null"')
    if isinstance(value, Mapping):
        for key, part in value.items():
            _check_value(f"{name}.{key}", part)
    elif isinstance(value, list):
        for part in value:
            _check_value(name, part)
    elif not isinstance(value, str | int | float):
        raise UserError(
            f"parameters: {name} has the value {value} ({type(value).__name__}); allowed are numbers, true and false, "
            "strings, lists and mappings: put it in quotes"
        )


def _nested(values: Mapping[Path, Any]) -> dict[str, Any]:
    """Put values under their names; nested ones come last, as W&B's engine has it."""
    cell = {path[0]: value for path, value in values.items() if len(path) == 1}
    for path in sorted((path for path in values if len(path) > 1), key=_NESTING.join):
        inner = cell
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = values[path]
    return cell


def _shown(value: Any) -> str:
    return "empty" if value is None else f"{value!r}"
