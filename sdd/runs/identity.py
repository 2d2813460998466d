"""The settings that decide a run's numbers, and which of them were chosen: read off the parser and the classes.

A class says itself which of its options only watch, measure, store or place a run: `PLACE` names them, and
`decides_numbers = False` says it of all of them.

What `__main__` has, a script's or a notebook's own, is known by what it does beside its name, which the next cell may
give to something else: the setting `…code`.
"""

import inspect
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pydoc import locate
from typing import Any

from jsonargparse import ArgumentParser

from sdd.data.datasets import DATASETS
from sdd.errors import UserError
from sdd.object_digest import UntoldError, own_code
from sdd.runs.config_text import plain
from sdd.runs.folder import RunFolder
from sdd.runs.settings import CODE, Settings, canonical

_ABSENT = object()
_CLASS, _ARGUMENTS, _FURTHER = "class_path", "init_args", "dict_kwargs"

OF_SCRIPT = "__main__."
"""How the import paths begin of what a script or a notebook defines itself."""


def settings_of(
    parser: ArgumentParser, config: Mapping[str, Any], parts: Mapping[str, type], place: Collection[str]
) -> Settings:
    """Return the settings of a run: see `settings_beside`.

    Args:
        parser: Of `fit`; its defaults are what a setting is chosen against.
        config: The run's configuration.
        parts: The class behind each section of the configuration.
        place: Settings that only watch, measure, store or place a run.
    """
    defaults = plain(parser.dump(parser.get_defaults(skip_validation=True), **_WHOLE))
    return settings_beside(defaults, config, parts, place)


def settings_beside(
    defaults: Mapping[str, Any], config: Mapping[str, Any], parts: Mapping[str, type], place: Collection[str]
) -> Settings:
    """Return the settings of a run, told by what differs from the defaults.

    Args:
        defaults: What a setting is chosen against, nested and plain. Where a setting names a class, the defaults of
            that class's arguments are.
        config: The run's configuration: nested, plain, without what is linked to other settings.
        parts: The class behind each section of the configuration, such as `pruning`.
        place: Settings that only watch, measure, store or place a run and whose class cannot say so, dotted.
    """
    numbers, measures = _Flat(codes=True), _Flat()
    for name, value in config.items():
        part = parts.get(name)
        if name in place:
            continue
        if part is None:
            numbers.add(name, value, defaults.get(name, _ABSENT))
            continue
        flat = numbers if decides_numbers(part) else measures
        options = value.keys() - _place(part)
        if name == "data" and not _root_decides_numbers(value):
            options -= {"root"}
        for option in sorted(options):
            if f"{name}.{option}" in place:
                continue
            held, default = value[option], defaults[name].get(option, _ABSENT)
            if option == "callbacks":
                callbacks = [held] if _is_class(held) else held or []
                held = _deciding(callbacks) or None
                classes = [one for one in callbacks if _is_class(one)]
                watching = [one for one in classes if not decides_numbers(_class(one))]
                measuring = [one for one in watching if not only_watches(_class(one))]
                measures.add(f"{name}.{option}", measuring, [])
            flat.add(f"{name}.{option}", held, default)
    return Settings(numbers.chosen, numbers.values, measures.chosen)


def restored(config: Mapping[str, Any], values: Mapping[str, Any], moved: Collection[str]) -> dict[str, Any]:
    """Return a configuration with the values that a run was started with.

    Args:
        config: Nested and plain, as for `settings_of`; it stays as it is.
        values: Of all the run's settings, flat.
        moved: Those whose defaults have moved since.
    """
    again: dict[str, Any] = deepcopy(dict(config))
    for key in moved:
        place = key.removesuffix(f".{_CLASS}")
        *outer, last = place.split(".")
        at: Any = again
        for name in outer:
            if isinstance(at, list):
                at = _deciding(at)[int(name)]
            elif not (name.isdigit() and _is_class(at)):  # a single callback may stand for a list of one
                at = at[name]
        at[last] = _nested(values, place)
    return again


_WHOLE = {"skip_validation": True, "skip_unset": False}


@dataclass
class _Flat:
    """Settings by flat dotted keys: `values`, and those of them that are `chosen`.

    Attributes:
        codes: Whether what a script defines itself is told by what it does as well.
    """

    chosen: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    codes: bool = False

    def add(self, key: str, value: Any, default: Any) -> None:
        """Add a setting with all that is in it; `default` is _ABSENT where it has none."""
        if _is_class(value):
            self._add_class(key, value, default)
        elif isinstance(value, list) and any(map(_is_class, value)):
            alike = isinstance(default, list) and len(default) == len(value)
            for index, entry in enumerate(value):
                self.add(f"{key}.{index}", entry, default[index] if alike else _ABSENT)
        elif isinstance(value, Mapping) and value:
            known = default if isinstance(default, Mapping) else {}
            for name in dict.fromkeys([*value, *known]):
                # Where names were added or taken away, all that is left was chosen.
                held = known.get(name, _ABSENT) if known.keys() == value.keys() else _ABSENT
                self.add(f"{key}.{name}", value.get(name), held)
        else:
            if isinstance(value, Mapping) and default is None:
                value = None  # no arguments at all are as many as none
            self._put(key, value, chosen=default is _ABSENT or canonical(value) != canonical(default))

    def _add_class(self, key: str, value: Mapping[str, Any], default: Any) -> None:
        alike = _is_class(default) and default[_CLASS] == value[_CLASS]
        self._put(f"{key}.{_CLASS}", value[_CLASS], chosen=not alike)
        named = _class(value)
        known = argument_defaults(named) | (default.get(_ARGUMENTS) or {} if alike else {})
        for name, argument in (value.get(_ARGUMENTS) or {}).items():
            if name not in _place(named):
                self.add(f"{key}.{_ARGUMENTS}.{name}", argument, known.get(name, _ABSENT))
        for name, argument in (value.get(_FURTHER) or {}).items():
            self.add(f"{key}.{_FURTHER}.{name}", argument, _ABSENT)

    def _put(self, key: str, value: Any, *, chosen: bool) -> None:
        self.values[key] = value
        if chosen:
            self.chosen[key] = value
        if (
            self.codes
            and isinstance(value, str)
            and value.startswith(OF_SCRIPT)
            and (named := locate(value)) is not None
        ):
            key = f"{key.removesuffix(f'.{_CLASS}')}.{CODE}"
            self.chosen[key] = self.values[key] = code_of(key, named)


def code_of(key: str, value: Any, known: Mapping[str, Any] | None = None) -> str:
    """Return what tells an object apart that no configuration can name.

    Args:
        key: The setting that holds it.
        value: The object.
        known: Objects that it may refer to and that are told elsewhere, by what stands for them.

    Raises:
        UserError: It uses something whose state cannot be told.
    """
    try:
        return own_code(value, known)
    except UntoldError as what:
        raise UserError(
            f"{key.removesuffix(f'.{CODE}')} uses {what}, so that this run could not be told from others: put the "
            "code into a module, and name it from there with plain arguments, or leave that out"
        ) from what


def check_same_code(folder: RunFolder) -> None:
    """Find out whether what a script or notebook defines itself of a run's network and loss does what it did.

    Args:
        folder: The run's.

    Raises:
        UserError: It does something else, so that the run's weights would be measured in another network.
    """
    settings = folder.settings()
    values = {} if settings is None else settings.values
    for key, then in values.items():
        place, _, last = key.rpartition(".")
        path = values.get(place, values.get(f"{place}.{_CLASS}"))
        if last != CODE or not place.startswith(("model.net", "model.loss")) or not str(path).startswith(OF_SCRIPT):
            continue
        named = locate(str(path))
        now = str(then) if named is None else code_of(key, named)
        if now != then and now.split(" ", 1)[1:] == str(then).split(" ", 1)[1:]:  # other Pythons cannot be compared
            raise UserError(
                f"{path}, the {place} of {folder.path}, does something else than it did in that run: define it as it "
                "was, or under another name"
            )


def _is_class(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get(_CLASS), str)


def _class(value: Mapping[str, Any]) -> Any:
    """Return the class, or the function that builds something, which a setting names."""
    return locate(value[_CLASS])


@cache
def argument_defaults(named: Any) -> dict[str, Any]:
    """Return the defaults of all arguments of a class or function, as a configuration writes them."""
    parser = ArgumentParser(exit_on_error=False)
    add = parser.add_class_arguments if inspect.isclass(named) else parser.add_function_arguments
    add(named, fail_untyped=False)
    found: dict[str, Any] = plain(parser.dump(parser.get_defaults(skip_validation=True), **_WHOLE)) or {}
    return found


def _place(part: Any) -> frozenset[str]:
    """Return which options of a class do not decide numbers."""
    place: frozenset[str] = getattr(part, "PLACE", frozenset())
    return place


# Lightning's callbacks that only watch, show or store: their classes cannot say so themselves.
_LIGHTNINGS_WATCHERS = {
    "DeviceStatsMonitor",
    "LearningRateMonitor",
    "ModelCheckpoint",
    "ModelSummary",
    "OnExceptionCheckpoint",
    "RichModelSummary",
    "RichProgressBar",
    "TQDMProgressBar",
}


def only_watches(part: Any) -> bool:
    """Tell whether a class is one of Lightning's callbacks that only watch, show or store."""
    of_lightning = str(getattr(part, "__module__", "")).startswith(("lightning.pytorch.", "pytorch_lightning."))
    return of_lightning and getattr(part, "__name__", "") in _LIGHTNINGS_WATCHERS


def decides_numbers(part: Any) -> bool:
    """Tell whether a class changes what is trained: unless it says otherwise, or is known only to watch."""
    return bool(getattr(part, "decides_numbers", not only_watches(part)))


def _deciding(value: Any) -> Any:
    """Return a list without the classes in it that only watch or measure; what is no list as it is."""
    if not isinstance(value, list):
        return value
    return [one for one in value if not _is_class(one) or decides_numbers(_class(one))]


def _root_decides_numbers(data: Mapping[str, Any]) -> bool:
    """Tell whether the folder says which data it is: not where the data set is known by its name."""
    return not DATASETS.get(data["dataset"], data["dataset_args"]).root_is_place


def _nested(values: Mapping[str, Any], place: str) -> Any:
    """Return the setting at a place, put together from flat keys."""
    if place in values:
        return values[place]
    found: dict[str, Any] = {}
    for key, value in values.items():
        if key.startswith(f"{place}."):
            *outer, last = key[len(place) + 1 :].split(".")
            at = found
            for name in outer:
                at = at.setdefault(name, {})
            at[last] = value
    return _with_lists(found)


def _with_lists(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    inner = {name: _with_lists(one) for name, one in value.items()}
    return list(inner.values()) if inner and all(name.isdigit() for name in inner) else inner
