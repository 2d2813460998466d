"""Whether a value that a configuration can hold fits the annotation of an argument."""

import inspect
import types
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

_LISTS = (list, tuple, set, frozenset, Sequence, Iterable, Collection, Set)


def fits(value: object, annotation: Any) -> bool:
    """Tell whether a value fits an annotation; one that says nothing of plain values fits all of them.

    A whole number fits `float`, true and false fit neither `int` nor `float`, a text fits `Path`.

    Args:
        value: Plain: None, a bool, number or text, or a list or mapping of them; or any other object.
        annotation: A type, as it is written after an argument's name.
    """
    origin, within = get_origin(annotation) or annotation, get_args(annotation)
    if origin in {Union, types.UnionType}:
        return any(fits(value, one) for one in within)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in within)
    if origin is None or origin is type(None):
        return value is None
    if origin in {int, float, Integral, Real}:
        allowed: Any = Integral if origin in {int, Integral} else Real  # NumPy's numbers too
        return isinstance(value, allowed) and not isinstance(value, bool)
    if origin in {bool, str}:
        return isinstance(value, origin)
    if origin is Path:
        return isinstance(value, str | Path)
    if origin in _LISTS:
        return _is_list(value) and _all_fit(value, within)
    if origin in {dict, Mapping}:
        return isinstance(value, Mapping) and all(fits(one, within[1]) for one in value.values() if len(within) == 2)
    return True


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _all_fit(values: Any, within: tuple[Any, ...]) -> bool:
    """Tell whether the values of a list fit what is said of them: one type for all, or in a tuple one for each."""
    if len(within) > 1 and within[-1] is not ...:
        return len(values) == len(within) and all(map(fits, values, within))
    return not within or all(fits(value, within[0]) for value in values)


def in_words(annotation: Any) -> str:
    """Return an annotation as a user would write it, such as `int | None`."""
    return inspect.formatannotation(annotation).replace("typing.", "").replace("collections.abc.", "")
