"""Parts that can be chosen, such as a pruning criterion: a built-in by its name, anything else by its import path."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar

from sdd.errors import UserError
from sdd.messages import one_line

Record = TypeVar("Record")


@dataclass(frozen=True)
class Kind(Generic[Record]):
    """A kind of part: which there are, and how to get one.

    A part is a record, a frozen dataclass whose first field is the function that does the work; its other fields have
    defaults. A built-in is a module of `package` that holds its record as `PART`; the module's name, less a trailing
    underscore, is the part's name. From outside, an import path names a record, a function, or a class whose
    instances are called like that function. Arguments of a part's own are the keyword-only ones of its function, or
    those of the class.

    Attributes:
        setting: The setting that names one, such as `pruning.criterion`; its arguments are `pruning.criterion_args`.
        package: Import path of the folder of built-in parts.
        record: The class of the records.
    """

    setting: str
    package: str
    record: type[Record]

    @property
    def names(self) -> tuple[str, ...]:
        """The built-in parts, in alphabetical order."""
        folder = import_module(self.package).__path__
        return tuple(sorted(module.name.rstrip("_") for module in iter_modules(folder) if module.name[0] != "_"))

    def get(self, chosen: str, arguments: Mapping[str, Any] | None = None) -> Record:
        """Return a part.

        Args:
            chosen: The name of a built-in part, or an import path, such as `my_package.snip`.
            arguments: Its own, by name.

        Raises:
            UserError: There is no such part, or it does not take these arguments; the message says what is allowed.
        """
        found = self._import(chosen) if "." in chosen else self._built_in(chosen)
        given = dict(arguments or {})
        if isinstance(found, type) and not isinstance(found, self.record):
            return self._record(self._made(chosen, found, given))
        record = found if isinstance(found, self.record) else self._record(self._callable(chosen, found))
        main = fields(record)[0].name  # type: ignore[arg-type]
        function = getattr(record, main)
        self._check_arguments(chosen, function, given)
        return replace(record, **{main: partial(function, **given)}) if given else record  # type: ignore[type-var]

    def _built_in(self, name: str) -> Any:
        if name not in self.names:
            near = get_close_matches(name, self.names, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise UserError(
                f"{self.setting} is {name!r}; allowed: {', '.join(self.names)}, or an import path such as "
                f"my_package.my_part{meant}"
            )
        folder = import_module(self.package).__path__
        module = next(one.name for one in iter_modules(folder) if one.name.rstrip("_") == name)
        return import_module(f"{self.package}.{module}").PART

    def _import(self, path: str) -> Any:
        """Return what an import path names: a module's attribute, or an attribute of one, and so on."""
        names = path.split(".")
        for cut in range(len(names) - 1, 0, -1):
            module = ".".join(names[:cut])
            try:
                found: Any = import_module(module)
            except ModuleNotFoundError as error:
                if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
                    continue
                raise UserError(f"{self.setting} {path} cannot be imported: {one_line(str(error))}") from error
            except Exception as error:  # whatever a user's module raises as it is imported
                reason = f"{type(error).__name__}: {one_line(str(error))}"
                raise UserError(f"{self.setting} {path} cannot be imported: {reason}") from error
            for name in names[cut:]:
                if not hasattr(found, name):
                    raise UserError(f"{self.setting} is {path}, but {module} has no {'.'.join(names[cut:])}")
                found = getattr(found, name)
            return found
        raise UserError(
            f"{self.setting} is {path}, but there is no module {names[0]}; it must be on Python's path, as the folder "
            f"of the command is; built in are: {', '.join(self.names)}"
        )

    def _callable(self, chosen: str, found: Any) -> Callable[..., Any]:
        if not callable(found):
            raise UserError(
                f"{self.setting} {chosen} is a {type(found).__name__}; it must be a {self.record.__name__} or a "
                f"function that takes what {self.record.__name__}.{fields(self.record)[0].name} takes"  # type: ignore[arg-type]
            )
        return found  # type: ignore[no-any-return]

    def _made(self, chosen: str, made: type, arguments: Mapping[str, Any]) -> Callable[..., Any]:
        try:
            return self._callable(chosen, made(**arguments))
        except (TypeError, ValueError) as error:
            raise UserError(f"{self.setting}_args do not fit {chosen}: {one_line(str(error))}") from error

    def _record(self, function: Callable[..., Any]) -> Record:
        return self.record(function)  # type: ignore[call-arg]

    def _check_arguments(self, chosen: str, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # some functions written in C do not tell
            return
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            return
        own = {one.name: one for one in parameters if one.kind is one.KEYWORD_ONLY}
        own |= {
            one.name: one for one in parameters if one.default is not one.empty and one.kind is not one.VAR_POSITIONAL
        }
        unknown = sorted(given.keys() - own.keys())
        if unknown:
            allowed = f"allowed: {', '.join(own)}" if own else "it takes none"
            raise UserError(f"{self.setting}_args has {', '.join(unknown)}, which {chosen} does not take; {allowed}")
        lacking = [name for name, one in own.items() if one.default is one.empty and name not in given]
        if lacking:
            raise UserError(
                f"{self.setting} {chosen} needs {', '.join(f'{self.setting}_args.{name}' for name in lacking)}"
            )
