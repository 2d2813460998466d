"""Parts that can be chosen, such as a pruning criterion: a built-in by its name, anything else by its import path."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar

from sdd.argument_types import fits, in_words
from sdd.errors import UserError
from sdd.messages import one_line

Record = TypeVar("Record")


@dataclass(frozen=True)
class Kind(Generic[Record]):
    """A kind of part: which there are, and how to get one.

    A part is a record, a frozen dataclass whose first field is the function that does the work; its other fields have
    defaults. A built-in is a module of `package` that holds its record as `PART`; the module's name, less a trailing
    underscore, is the part's name. From outside, an import path names a record, a function, or a class whose
    instances are called like that function. Arguments of a part's own are the keyword-only ones of its functions and
    those that have a default, or those of the class.

    Attributes:
        setting: The setting that names one, such as `pruning.criterion`; its arguments are `pruning.criterion_args`.
        package: Import path of the folder of built-in parts.
        record: The class of the records.
        given: What the main function is called with, besides its own arguments, in words; None: not checked.
    """

    setting: str
    package: str
    record: type[Record]
    given: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The built-in parts, in alphabetical order."""
        return tuple(sorted(self._modules()))

    def get(self, chosen: str, arguments: Mapping[str, Any] | None = None) -> Record:
        """Return a part.

        Args:
            chosen: The name of a built-in part, or an import path, such as `my_package.snip`.
            arguments: Its own, by name.

        Raises:
            UserError: There is no such part, or it does not take these arguments; the message says what is allowed.
        """
        found = self._found(chosen)
        given = dict(arguments or {})
        if isinstance(found, type) and not isinstance(found, self.record):
            self._check_arguments(chosen, {found.__name__: _class_parameters(found)}, given)
            record, given = self._record(chosen, self._made(chosen, found, given)), {}
        else:
            record = found if isinstance(found, self.record) else self._record(chosen, found)
        functions, own = _functions(record), _record_parameters(record)
        self._check_arguments(chosen, own, given)
        changed = {
            name: partial(function, **taken)
            for name, function in functions.items()
            if (taken := {key: value for key, value in given.items() if key in own[name] or _ANY in own[name]})
        }
        record = replace(record, **changed) if changed else record  # type: ignore[type-var]
        self._check_call(chosen, record)
        return record

    def takes(self, chosen: str) -> tuple[str, ...]:
        """Return the names of a part's own arguments.

        Raises:
            UserError: There is no such part.
        """
        found = self._found(chosen)
        if isinstance(found, type):
            return tuple(_class_parameters(found))
        own = _record_parameters(found) if isinstance(found, self.record) else {"": _own_parameters(found)}
        return tuple(dict.fromkeys(name for parameters in own.values() for name in parameters))

    @property
    def _main(self) -> str:
        """Name of the function that does the work."""
        return fields(self.record)[0].name  # type: ignore[arg-type]

    def _modules(self) -> dict[str, str]:
        """Return the modules of the built-in parts, by the parts' names."""
        folder = import_module(self.package).__path__
        modules = (module.name for module in iter_modules(folder) if not module.name.startswith("_"))
        return {name.rstrip("_"): f"{self.package}.{name}" for name in modules}

    def _found(self, chosen: str) -> Any:
        if not isinstance(chosen, str):
            raise UserError(
                f"{self.setting} is a {type(chosen).__name__}; it must be a name, so that a run's settings can tell "
                f"it: {', '.join(self.names)}, or an import path"
            )
        return self._import(chosen) if "." in chosen else self._built_in(chosen)

    def _built_in(self, name: str) -> Any:
        modules = self._modules()
        if name not in modules:
            raise UserError(unknown_choice(self.setting, name, self.names, "or an import path such as my_package.mine"))
        return import_module(modules[name]).PART

    def _import(self, path: str) -> Any:
        """Return what an import path names: a module's attribute, or an attribute of one, and so on."""
        names = path.split(".")
        if not all(name.isidentifier() for name in names):
            raise UserError(f"{self.setting} is {path!r}, which is no import path; one reads my_package.my_module.mine")
        for cut in range(len(names) - 1, 0, -1):
            module = ".".join(names[:cut])
            try:
                found: Any = import_module(module)
            except ModuleNotFoundError as error:
                if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
                    continue
                raise UserError(f"{self.setting} {path} cannot be imported: {one_line(str(error))}") from error
            except (Exception, SystemExit) as error:  # whatever a user's module raises as it is imported
                reason = f"{type(error).__name__}: {one_line(str(error))}"
                raise UserError(f"{self.setting} {path} cannot be imported: {reason}") from error
            for name in names[cut:]:
                if not hasattr(found, name):
                    if _is_module(path):
                        raise UserError(f"{self.setting} is {path}, which is a module: name what is in it")
                    raise UserError(f"{self.setting} is {path}, but {module} has no {'.'.join(names[cut:])}")
                found = getattr(found, name)
            return found
        raise UserError(
            f"{self.setting} is {path}, but there is no module {names[0]!r}; it must be on Python's path, as the "
            f"folder of the command is; built in are: {', '.join(self.names)}"
        )

    def _made(self, chosen: str, made: type, arguments: Mapping[str, Any]) -> Any:
        try:
            return made(**arguments)
        except UserError:
            raise
        except (TypeError, ValueError) as error:
            raise UserError(f"{self.setting}_args do not fit {chosen}: {one_line(str(error))}") from error
        except Exception as error:  # whatever a user's class raises as it is made
            reason = f"{type(error).__name__}: {one_line(str(error))}"
            raise UserError(f"{self.setting} {chosen} cannot be made: {reason}") from error

    def _record(self, chosen: str, function: Any) -> Record:
        if not callable(function):
            raise UserError(
                f"{self.setting} {chosen} is a {type(function).__name__}; it must be a {self.record.__name__} or a "
                f"function that takes what {self.record.__name__}.{self._main} takes"
            )
        return self.record(function)  # type: ignore[call-arg]

    def _check_arguments(
        self, chosen: str, own: Mapping[str, Mapping[str, inspect.Parameter]], given: Mapping[str, Any]
    ) -> None:
        """Find out whether the arguments given are those that the functions, by name, have of their own."""
        known = {name: parameter for parameters in own.values() for name, parameter in parameters.items()}
        anything = known.pop(_ANY, None) is not None
        unknown = sorted(given.keys() - known.keys())
        if unknown and not anything:
            allowed = f"allowed: {', '.join(known)}" if known else "it takes none"
            raise UserError(f"{self.setting}_args has {', '.join(unknown)}, which {chosen} does not take; {allowed}")
        for name in given.keys() & known.keys():
            value, one = given[name], known[name]
            if one.annotation is not one.empty and value is not one.default and not fits(value, one.annotation):
                raise UserError(
                    f"{self.setting}_args.{name} is {value!r}; {chosen} takes {in_words(one.annotation)} there"
                )
        lacking = [name for name, one in known.items() if one.default is one.empty and name not in given]
        if lacking:
            raise UserError(
                f"{self.setting} {chosen} needs {', '.join(f'{self.setting}_args.{name}' for name in lacking)}"
            )

    def _check_call(self, chosen: str, record: Record) -> None:
        """Find out whether the main function can be called with what it is going to be given."""
        if self.given is None:
            return
        try:
            inspect.signature(getattr(record, self._main)).bind(*self.given)
        except TypeError as error:
            shown = f"({', '.join(self.given)})" if self.given else "nothing but its own arguments, by name"
            hint = _keyword_only(getattr(record, self._main), self.given)
            raise UserError(f"{self.setting} {chosen} cannot be called with {shown}: {error}{hint}") from error
        except ValueError:  # some functions written in C do not tell
            return


def _keyword_only(function: Callable[..., Any], given: Sequence[str]) -> str:
    """Say how to write a function that has arguments of its own among those that it is given by position."""
    lacking = [
        name
        for name, one in inspect.signature(function).parameters.items()
        if one.kind is one.POSITIONAL_OR_KEYWORD and one.default is one.empty
    ][len(given) :]
    own = ", ".join([*given, "*", *lacking])
    return f"; arguments of its own must be keyword-only: def {_name(function)}({own})" if lacking else ""


def _name(function: Callable[..., Any]) -> str:
    """Return the name of a function, also where some of its arguments are set already."""
    inner: Any = function.func if isinstance(function, partial) else function
    return str(getattr(inner, "__name__", "function"))


def _is_module(path: str) -> bool:
    """Tell whether an import path, whose parents can be imported, is that of a module."""
    try:
        return find_spec(path) is not None
    except ModuleNotFoundError:  # a parent is no package
        return False


def unknown_choice(setting: str, value: object, allowed: Sequence[str], otherwise: str = "") -> str:
    """Say that a setting has a value that is not among the allowed ones, and which one may have been meant.

    Args:
        setting: Its name.
        value: What it is.
        allowed: What it may be.
        otherwise: What else it may be, in words.
    """
    near = get_close_matches(str(value), allowed, n=1)
    also = f", {otherwise}" if otherwise else ""
    return f"{setting} is {value!r}; allowed: {', '.join(allowed)}{also}" + (
        f"; did you mean {near[0]}?" if near else ""
    )


def check_choice(setting: str, value: object, allowed: Sequence[str]) -> None:
    """Refuse a value that is not among the allowed ones.

    Raises:
        UserError: It is not.
    """
    if value not in allowed:
        raise UserError(unknown_choice(setting, value, allowed))


# Stands for arguments of any name, as `**arguments` takes them.
_ANY = "**"


def _functions(record: Any) -> dict[str, Callable[..., Any]]:
    """Return the functions of a record by the names of their fields."""
    named = ((field.name, getattr(record, field.name)) for field in fields(record))
    return {name: value for name, value in named if callable(value)}


def _record_parameters(record: Any) -> dict[str, dict[str, inspect.Parameter]]:
    """Return the arguments of its own of each function of a record; of the main one also those that have a default."""
    main, *others = ((name, _own_parameters(function)) for name, function in _functions(record).items())
    return dict([main]) | {
        name: {key: one for key, one in own.items() if one.kind is one.KEYWORD_ONLY} for name, own in others
    }


def _own_parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the arguments that are a function's own: the keyword-only ones, and those that have a default."""
    return {
        name: one
        for name, one in _parameters(function)
        if name == _ANY or one.kind is one.KEYWORD_ONLY or one.default is not one.empty
    }


def _class_parameters(made: type) -> dict[str, inspect.Parameter]:
    """Return the arguments that a class is made with."""
    return dict(_parameters(made))


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return a signature, its annotations evaluated where they are written as texts and can be."""
    try:
        return inspect.signature(function, eval_str=True)
    except Exception:  # noqa: BLE001 - whatever an annotation raises as it is evaluated
        return inspect.signature(function)


def _parameters(function: Callable[..., Any]) -> Iterator[tuple[str, inspect.Parameter]]:
    try:
        parameters = _signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions written in C do not tell
        yield _ANY, inspect.Parameter("any", inspect.Parameter.VAR_KEYWORD)
        return
    for one in parameters:
        if one.kind is one.VAR_KEYWORD:
            yield _ANY, one
        elif one.kind not in {one.VAR_POSITIONAL, one.POSITIONAL_ONLY}:
            yield one.name, one
