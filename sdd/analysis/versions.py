"""Settings of runs of several versions: an option that a run's version did not have is at its default."""

from collections.abc import Mapping, Sequence
from typing import Any

from sdd.runs.settings import canonical

Known = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Of a run's settings, those that were chosen, and all with the values that were in effect."""


def complete_settings(known: Sequence[Known]) -> list[dict[str, Any]]:
    """Return the settings of runs of several versions, each with the options that only others know of.

    A run that lacks an option, unless nothing at all is known of it, is at its default: the value that runs have which
    did not choose one. Where those have several values the default has moved, and the run stays without. Arguments of a
    class are not given to a run that names another class.

    Args:
        known: What was chosen and what was in effect, of each run.
    """
    defaults = _defaults(known)
    names = {key for key, _ in defaults}
    found = []
    for _, values in known:
        complete = dict(values)
        for key in names - values.keys() if values else ():
            held = defaults.get((key, _owner(values, key)), {})
            if len(held) == 1 and not _stands_for(values, key):
                complete[key] = next(iter(held.values()))
        found.append(complete)
    return found


def moved_defaults(known: Sequence[Known]) -> set[str]:
    """Return the settings that some runs did not choose and have with different values: their default has moved."""
    return {key for (key, _), held in _defaults(known).items() if len(held) > 1}


def _defaults(known: Sequence[Known]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the values that settings have where nobody chose one, by setting and class that it is an argument of."""
    defaults: dict[tuple[str, str], dict[str, Any]] = {}
    for chosen, values in known:
        for key in values.keys() - chosen.keys():
            defaults.setdefault((key, _owner(values, key)), {})[canonical(values[key])] = values[key]
    return defaults


def _owner(values: Mapping[str, Any], key: str) -> str:
    """Return the class that an argument is one of; nothing for what is no argument of a class that was named."""
    place, _, argument = key.rpartition(".init_args.")
    return str(values.get(f"{place}.class_path")) if argument and place else ""


def _stands_for(values: Mapping[str, Any], key: str) -> bool:
    """Tell whether a run has something else in the place of a setting: null for a class, or a class for null."""
    parts = key.split(".")
    above = {".".join(parts[:cut]) for cut in range(1, len(parts))}
    return any(one in above or one.startswith(f"{key}.") for one in values)
