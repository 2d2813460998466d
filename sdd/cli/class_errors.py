"""What is wrong with a class that a setting names by its import path, in plain words."""

import re
from importlib import import_module

from sdd.messages import nearest

_NAMED_IN = {
    "net": "sdd.models",
    "optimizer": "torch.optim",
    "lr_scheduler": "torch.optim.lr_scheduler",
    "logger": "lightning.pytorch.loggers",
    "callbacks": "lightning.pytorch.callbacks",
}
"""The module whose classes are meant by a name without a dot, by the last word of the setting."""

_SETTING = re.compile(r'^(?:Problems? .*?: )?Parser key "([\w.]+)": ')
_GIVEN = (
    re.compile(r"Problem with given class_path '([^']+)'"),
    re.compile(r"Import path (\S+) does not correspond"),
    re.compile(r"Expected a path but (\S+) either not accessible or invalid"),
    re.compile(r"Expected a dot import path string: (\S+)"),
)
_NO_MODULE = re.compile(r"No module named '([^']+)'")
_NO_ATTRIBUTE = re.compile(r"module '([^']+)' has no attribute '([^']+)'")
_OTHER_CLASS = re.compile(r"Import path \S+ does not correspond to a subclass of (\w+)")
_SEVERAL = re.compile(
    r"Multiple subclasses with name (\w+)\. Give the full class path to avoid ambiguity: ([\w., ]+\w)"
)
_NO_DOT = "Expected a dot import path string: "
_ARGUMENT = re.compile(r"is abstract .*Given value: NestedArg\(key='(\w+)', ")


def class_error(text: str) -> str | None:
    """Rewrite what jsonargparse says of a class that it does not find; None where it says something else.

    Args:
        text: What it says, as one line.
    """
    setting = _SETTING.match(text)
    if setting is None:
        return None
    name = setting[1]
    if argument := _ARGUMENT.search(text):
        return f"{name}.{argument[1]} is set, but {name} names no class that could take it: name one before it"
    if several := _SEVERAL.search(text):
        return f"{name} is {several[1]}, but several classes are called so; give the import path of one: {several[2]}"
    given = next((found[1] for pattern in _GIVEN if (found := pattern.search(text))), None)
    if given is None:
        return None
    if missing := _NO_MODULE.search(text):
        if given == missing[1] or given.startswith(f"{missing[1]}."):
            return (
                f"{name} is {given}, but there is no module {missing[1]!r}: it must be installed, or a file in the "
                "folder where the command is given"
            )
        return f"{name} is {given}, which cannot be imported: {missing[0]}"
    if missing := _NO_ATTRIBUTE.search(text):
        return f"{name} is {given}, but there is no {missing[2]} in {missing[1]}{_nearest(missing[2], missing[1])}"
    if other := _OTHER_CLASS.search(text):
        return f"{name} is {given}, which is no class derived from {other[1]}"
    if _NO_DOT in text and (module := _NAMED_IN.get(name.rpartition(".")[2])):
        return f"{name} is {given}, but there is none of this name{_nearest(given, module)}"
    return None


def _nearest(name: str, module: str) -> str:
    """Return the end of a message on a class that a module lacks: the import path of that with the nearest name."""
    classes = [one for one, value in vars(import_module(module)).items() if isinstance(value, type)]
    near = nearest(name, classes)
    return "; give an import path, such as my_package.Mine" if near is None else f"; did you mean {module}.{near}?"
