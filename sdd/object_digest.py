"""What an object does, as digits: the code of functions and classes that no import path names, and all that they use.

Two objects have the same digits where they were made by the same code from the same values, in any process, whatever
their addresses and the order of sets. What a module has by its own name is known by that name, as in a configuration;
functions and classes of `__main__`, of a notebook or within a function are known by their bytecode, defaults, closures
and the globals that they read.
"""

import copyreg
import dis
import functools
import hashlib
import random
import sys
import types
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, EnumMeta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from sdd.failures import is_of_library
from sdd.messages import one_line

_PLAIN = (type(None), type(...), type(NotImplemented), bool, int, float, complex, str, bytes)
_IN_C = (
    types.BuiltinFunctionType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.MethodDescriptorType,
    types.MethodWrapperType,
    types.WrapperDescriptorType,
)
_CONTAINERS = (dict, list, tuple, set, frozenset, int, float, complex, str, bytes)
_COUNTS = ("co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_flags")
_NAMES = ("co_names", "co_varnames", "co_freevars", "co_cellvars")
_READS_GLOBAL = {"LOAD_FROM_DICT_OR_GLOBALS", "LOAD_GLOBAL", "LOAD_NAME"}
_MADE_BY_PYTHON = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_OF_NO_EFFECT = {
    "__annotate__",
    "__annotate_func__",
    "__annotations__",
    "__annotations_cache__",
    "__dict__",
    "__doc__",
    "__firstlineno__",
    "__module__",
    "__qualname__",
    "__static_attributes__",
    "__weakref__",
    "_abc_impl",
}
"""What a class holds of itself beside what it does."""

_KEPT_BY: tuple[tuple[type, str], ...] = (
    (EnumMeta, "_value2member_map_"),  # members that have been asked for, such as A | B
    (type(torch.autograd.Function), "_backward_cls"),  # has PyTorch's count of all functions of the process
)
"""What classes of a kind note by themselves while they are made and used, by their metaclass."""

_OF_PROCESS: dict[str, Any] = {
    "random": getattr(random.random, "__self__", None),
    "numpy.random": getattr(np.random.rand, "__self__", None),
    "torch.default_generator": torch.default_generator,
}
"""Generators of the whole process, whose state says what has been drawn; `from random import random` refers to one."""

_DISPATCHED: Any = functools.singledispatch(lambda one: one)


class UntoldError(Exception):
    """Nobody can tell what state an object is in; the message names its type, and by what name it was reached.

    Attributes:
        what: The type, in words.
    """

    def __init__(self, what: str, reached: str = "") -> None:
        super().__init__(what + (f", reached by {reached}" if reached else ""))
        self.what = what


def object_digest(value: Any, known: Mapping[str, Any] | None = None) -> str:
    """Return 16 hex digits that are others for an object that does something else.

    Args:
        value: Anything: a value, a function, a class, an object with attributes.
        known: Objects that it may refer to and that are told elsewhere, by what stands for them.

    Raises:
        UntoldError: It uses something whose state cannot be told, such as an open file or a lock.
    """
    try:
        return _Digest(known or {}).of(value).hex()[:16]
    except RecursionError as error:
        raise UntoldError(f"an object of {type(value).__name__}, nested too deeply") from error


def own_code(value: Any, known: Mapping[str, Any] | None = None) -> str:
    """Return `object_digest` beside the version of Python, which compiles to other bytecode than the next one."""
    return f"{object_digest(value, known)} (Python {sys.version_info.major}.{sys.version_info.minor})"


class _Digest:
    """Digests of objects that may refer to each other."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        # With the object, so that its id stays its own.
        held = {**_OF_PROCESS, **known}
        self._done: dict[int, tuple[Any, bytes]] = {id(one): (one, _hash("known", name)) for name, one in held.items()}
        self._open: dict[int, int] = {}

    def of(self, value: Any) -> bytes:
        if type(value) in _PLAIN:
            return _hash(type(value).__name__, repr(value))
        place = id(value)
        if place in self._done:
            return self._done[place][1]
        if place in self._open:
            return _hash("again", str(self._open[place]))
        self._open[place] = len(self._open)
        try:
            found = self._of_object(value)
        finally:
            del self._open[place]
        self._done[place] = value, found
        return found

    def _of_object(self, value: Any) -> bytes:
        if isinstance(value, type):
            return self._of_class(value)
        if isinstance(value, types.FunctionType):
            return self._of_function(value)
        if isinstance(value, types.CodeType):
            return self._of_code(value, value.co_consts)
        if isinstance(value, types.MethodType):
            return _hash("method", self.of(value.__func__), self.of(value.__self__))
        if isinstance(value, types.ModuleType):
            return _hash("module", value.__name__)
        if isinstance(value, _IN_C):
            return self._in_c(value)
        if isinstance(value, functools.partial):
            return self._all("partial", type(value), value.func, value.args, value.keywords)
        if isinstance(value, property):
            return self._all("property", value.fget, value.fset, value.fdel)
        if isinstance(value, (staticmethod, classmethod)):
            return self._all("method of a class", type(value), value.__func__)
        if isinstance(value, functools.cached_property):
            return self._all("cached property", value.func)  # before Python 3.12 it has a lock
        if isinstance(value, functools._lru_cache_wrapper):
            return self._all("cache", value.__wrapped__, value.cache_parameters())
        if isinstance(value, Tensor):
            return self._of_tensor(value)
        if isinstance(value, torch.Generator):
            return self._all("generator", str(value.device), value.get_state())
        if isinstance(value, RemovableHandle):
            return _hash("handle of a hook")  # which is told where it is hooked
        if isinstance(value, weakref.ref):
            return _hash("reference", self.of(value()))
        if isinstance(value, types.MappingProxyType):
            return _hash("view", self.of(dict(value)))
        if isinstance(value, Enum):
            return self._all("member", type(value), value.name if value.name is not None else value.value)
        if type(value) in _CONTAINERS:
            return self._of_container(value)
        return self._of_instance(value)

    def _all(self, kind: str, *values: Any) -> bytes:
        return _hash(kind, *map(self.of, values))

    def _named(self, held: dict[str, Any], of: str) -> bytes:
        """Return the digest of values by name, whatever their order."""
        found = []
        for name in sorted(held, key=str):
            with _reached(f"{of} {name}"):
                found += [_hash("name", str(name)), self.of(held[name])]
        return _hash("by name", *found)

    def _of_container(self, value: Any) -> bytes:
        if isinstance(value, dict):
            found = []
            for name, one in value.items():
                with _reached(repr(name) if isinstance(name, str) else "what a dict holds"):
                    found += [self.of(name), self.of(one)]
            return _hash("dict", *found)
        if isinstance(value, (list, tuple)):
            return _hash("tuple" if isinstance(value, tuple) else "list", *map(self.of, value))
        if isinstance(value, (set, frozenset)):
            return _hash("set", *sorted(map(self.of, value)))
        plain = next(kind for kind in _CONTAINERS if isinstance(value, kind))
        return _hash(plain.__name__, repr(plain(value)))

    def _of_class(self, value: type) -> bytes:
        path = _path(value)
        if path is not None:
            return _hash("named", path)
        noted = {name for kind, name in _KEPT_BY if isinstance(value, kind)} | _OF_NO_EFFECT
        held = {name: one for name, one in vars(value).items() if name not in noted}
        return _hash("class", self.of(type(value)), *map(self.of, value.__bases__), self._named(held, "the attribute"))

    def _of_function(self, value: types.FunctionType) -> bytes:
        while getattr(value, "hooked", False) and hasattr(value, "__wrapped__"):
            value = value.__wrapped__  # PyTorch wraps an optimizer's step as the first one is made
        path = _path(value)
        if path is not None:
            return _hash("named", path)
        code = value.__code__
        if code is _DISPATCHED.__code__:  # it holds a cache beside these
            return self._all("single dispatch", dict(getattr(value, "registry", {})))
        held = vars(value) | {"closure": {}}
        for name, cell in zip(code.co_freevars, value.__closure__ or (), strict=True):
            try:
                held["closure"][name] = cell.cell_contents
            except ValueError:  # not set yet
                continue
        read: dict[str, Any] = {}
        if is_of_library(Path(code.co_filename)) and value.__name__ != "<lambda>":
            told = _hash("named", f"{value.__module__}.{value.__qualname__}")
        else:
            consts = code.co_consts
            if consts and isinstance(consts[0], str) and consts[0] == value.__doc__:
                consts = (None, *consts[1:])
            told = self._of_code(code, consts)
            read = {name: value.__globals__[name] for name in _globals(code) if name in value.__globals__}
        closure = held.pop("closure")
        given = self._all("defaults", value.__defaults__, value.__kwdefaults__)
        parts = (
            self._named(closure, "the variable"),
            self._named(read, "the global"),
            self._named(held, "the attribute"),
        )
        return _hash("function", told, given, *parts)

    def _of_code(self, value: types.CodeType, consts: tuple[Any, ...]) -> bytes:
        counts = [str(getattr(value, name)) for name in _COUNTS]
        names = [repr(getattr(value, name)) for name in _NAMES]
        caught = getattr(value, "co_exceptiontable", b"")  # Python 3.10 has it in the code
        return _hash("code", value.co_code, caught, *counts, *names, *map(self.of, consts))

    def _in_c(self, value: Any) -> bytes:
        bound = getattr(value, "__self__", None)
        place = getattr(value, "__objclass__", None) if bound is None else bound
        return _hash("in C", str(getattr(value, "__module__", None)), value.__name__, self.of(place))

    def _of_tensor(self, value: Tensor) -> bytes:
        try:
            held = (
                value.detach()
                .cpu()
                .resolve_conj()
                .resolve_neg()
                .contiguous()
                .reshape(-1)
                .view(torch.uint8)
                .numpy()
                .tobytes()
            )
        except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:  # it holds no values, or otherwise
            raise UntoldError(f"a tensor whose values cannot be read ({one_line(str(error))})") from error
        return _hash("tensor", str(value.dtype), str(list(value.shape)), str(value.requires_grad), held)

    def _of_instance(self, value: Any) -> bytes:
        kind = type(value)
        reduce = copyreg.dispatch_table.get(kind)
        own = any(getattr(kind, name) is not getattr(object, name) for name in ("__reduce__", "__reduce_ex__"))
        if reduce is not None or own:
            return self._reduced(value, _tried(value, reduce or (lambda one: one.__reduce_ex__(4))))
        if getattr(kind, "__getstate__", None) is getattr(object, "__getstate__", None):
            _tried(value, lambda one: object.__reduce_ex__(one, 4))  # raises where C holds what Python cannot see
        plain = self._of_container(value) if isinstance(value, _CONTAINERS) else b""
        return _hash("object", self.of(kind), plain, self._named(_attributes(value), "the attribute"))

    def _reduced(self, value: Any, made: Any) -> bytes:
        """Return the digest of what `pickle` would write of an object that says so itself."""
        if isinstance(made, str):
            return _hash("named", f"{getattr(value, '__module__', None)}.{made}")
        parts = [list(one) if isinstance(one, Iterator) else one for one in made]
        return self._all("reduced", type(value), *parts)


def _hash(*parts: str | bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        held = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(held).to_bytes(8, "little") + held)
    return digest.digest()


def _path(value: Any) -> str | None:
    """Return the path by which a class or function can be imported; None where no module has it by its own name."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(value, type) and not value.__flags__ & _MADE_BY_PYTHON:
        return f"{module}.{name}"
    if module in {None, "__main__", "__mp_main__"} or module not in sys.modules or name is None:
        return None
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}.{name}" if found is value else None


def _globals(code: types.CodeType) -> set[str]:
    """Return the names of the globals that code reads, that of functions within it included."""
    names = {str(one.argval) for one in dis.get_instructions(code) if one.opname in _READS_GLOBAL}
    return names.union(*(_globals(one) for one in code.co_consts if isinstance(one, types.CodeType)))


def _attributes(value: Any) -> dict[str, Any]:
    held = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in {"__dict__", "__weakref__"} and hasattr(value, name):
                held[name] = getattr(value, name)
    return _with_counted_hooks(held) if isinstance(value, (nn.Module, torch.optim.Optimizer)) else held


def _with_counted_hooks(held: dict[str, Any]) -> dict[str, Any]:
    """Return attributes with hooks numbered as they come, not by PyTorch's count of all hooks of the process."""
    hooks = {name: one for name, one in held.items() if "_hooks" in name and isinstance(one, dict)}
    order = {number: place for place, number in enumerate(sorted({number for one in hooks.values() for number in one}))}
    counted = {name: {order[number]: hook for number, hook in one.items()} for name, one in hooks.items()}
    return held | counted


def _tried(value: Any, reduce: Any) -> Any:
    try:
        return reduce(value)
    except Exception as error:  # whatever a class raises that is not to be pickled
        raise UntoldError(f"an object of {type(value).__name__}, whose state cannot be told") from error


@contextmanager
def _reached(name: str) -> Iterator[None]:
    """Name in an error what an object was reached by; the first name on the way is that in the user's own code."""
    try:
        yield
    except UntoldError as error:
        raise UntoldError(error.what, name) from error
