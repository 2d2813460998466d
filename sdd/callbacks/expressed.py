"""Objects as a configuration writes them: numbers, texts, lists, and classes with their arguments.

What a function has made is taken for one of a class with plain arguments only where such a one is the same throughout.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from inspect import Signature, isclass, isroutine, signature
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from sdd.given_arguments import KeepsArguments, given_arguments, made_again
from sdd.module import Classifier
from sdd.object_digest import UntoldError, object_digest
from sdd.runs.identity import argument_defaults


class UnknownError(Exception):
    """No configuration can say what an object is; the message is what there is to say of it, and where it is from.

    Attributes:
        what: The same without a place, which the next edit of a script moves.
    """

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(f"{what}{where}")
        self.what = what


def expressed(value: Any) -> Any:
    """Return a value as a configuration writes it.

    Args:
        value: Plain, a list or dict of such, a path, a class, or a function that a module has.

    Raises:
        UnknownError: It is something else.
    """
    if isinstance(value, Enum):  # before texts: it may be one too
        return expressed(value.value)
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)  # plain, not a number of NumPy
    if value is None:
        return None
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, Mapping):
        return {str(name): expressed(one) for name, one in value.items()}
    if isinstance(value, Sequence):
        return [expressed(one) for one in value]
    return import_path(value)


def expressed_class(named: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a class, or a function that builds something, with all its arguments, as a configuration writes it.

    Args:
        named: The class or function.
        arguments: Those that are given; the others have their defaults.

    Raises:
        UnknownError: An argument cannot be written.
    """
    held = {name: expressed(value) for name, value in arguments.items()}
    return {"class_path": import_path(named), "init_args": {**argument_defaults(named), **held}}


def import_path(named: Any) -> str:
    """Return the shortest path by which a class or function can be imported, such as `torch.optim.SGD`.

    Raises:
        UnknownError: It lies in no module by its own name, as a lambda does.
    """
    module, name = getattr(named, "__module__", None), getattr(named, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str) and (isclass(named) or isroutine(named))):
        raise UnknownError(f"an object of {type(named).__name__}")
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        place = ".".join(parts[:count])
        if getattr(sys.modules.get(place), name, None) is named:
            return f"{place}.{name}"
    code = getattr(named, "__code__", None)
    where = f" of {Path(code.co_filename).name}, line {code.co_firstlineno}" if code else f" of {module}"
    raise UnknownError(named.__name__, where)


def expressed_network(module: Classifier) -> dict[str, Any]:
    """Return what builds a module's network.

    Raises:
        UnknownError: That cannot be said.
    """
    build = module.build
    if isclass(build):
        return expressed_class(build, {})
    if isinstance(build, partial):
        return expressed_class(build.func, signature(build.func).bind(*build.args, **build.keywords).arguments)
    net = module.fresh_network(level=0)
    if isinstance(net, KeepsArguments) and _same(net, module.drawn(lambda: made_again(net), level=0)):
        return expressed_class(type(net), given_arguments(net))
    if _is_importable(build):
        return {"class_path": import_path(build), "init_args": {}}
    count = sum(parameter.numel() for parameter in net.parameters())
    raise UnknownError(f"{type(net).__name__} of {count:,} parameters")


def expressed_optimizer(module: Classifier) -> dict[str, Any]:
    """Return the optimizer that a module makes, with its settings.

    Raises:
        UnknownError: It has groups of parameters, trains some alone, or has settings of other kinds.
    """
    make = module.optimizer
    if _is_of_class(make):
        return _expressed_maker(make)
    optimizer = make(module.net.parameters())
    kind = type(optimizer)
    known = signature(kind.__init__).parameters.keys() & optimizer.defaults.keys()
    arguments = {name: optimizer.defaults[name] for name in known}
    try:
        again = kind(module.net.parameters(), **arguments)
    except Exception as error:  # a class whose defaults are no arguments
        raise UnknownError(kind.__name__) from error
    if not _same(optimizer, again):
        raise UnknownError(f"{kind.__name__} that differs from one of its defaults alone")
    return _without_first(kind, arguments)


def expressed_schedule(module: Classifier) -> dict[str, Any] | None:
    """Return the learning-rate schedule that a module makes.

    Raises:
        UnknownError: It is neither a class nor a `functools.partial` of one.
    """
    make = module.lr_scheduler
    if make is None:
        return None
    if _is_of_class(make):
        return _expressed_maker(make)
    schedule = make(module.optimizer(module.net.parameters()))
    raise UnknownError(type(schedule).__name__)


def _is_of_class(make: Any) -> bool:
    """Tell whether something that makes an object is a class, or a class with some arguments by name."""
    return isclass(make) or (isinstance(make, partial) and isclass(make.func) and not make.args)


def _expressed_maker(make: Any) -> dict[str, Any]:
    return _without_first(make.func, make.keywords) if isinstance(make, partial) else _without_first(make, {})


def _without_first(named: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a class with its arguments but the first, the parameters or the optimizer that it gets later."""
    later = next(iter(signature(named).parameters))
    written = expressed_class(named, arguments)
    return written | {"init_args": {name: value for name, value in written["init_args"].items() if name != later}}


def _is_importable(build: Callable[..., Any]) -> bool:
    """Tell whether a configuration can name a function: it says what it returns, as what reads configurations asks."""
    try:
        import_path(build)
    except UnknownError:
        return False
    return signature(build).return_annotation is not Signature.empty


def _same(one: Any, other: Any) -> bool:
    """Tell whether two objects are the same in all that they do and hold, tensors bit for bit."""
    try:
        return object_digest(one) == object_digest(other)
    except UntoldError:
        return False
