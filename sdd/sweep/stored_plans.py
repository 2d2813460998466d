"""What the cells of a sweep are, kept beside its runs, so that a later start, or another machine, need not parse them.

To parse a cell takes half a second of CPU, and everything must be imported for it. A plan is used again as long as all
that it was made from is as it was: the command line, the version of sdd and of each library, every file that was read
for it, a user's own modules included, and the environment variables in its paths. Only a cell that a run can be made of
is kept. What a user's own module asks the system for is not known: remove the file where that has changed.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from sdd.console import say
from sdd.errors import UserError
from sdd.failures import is_own
from sdd.files import PART, read_json, removing_leftovers, write_atomically
from sdd.locks import try_lock
from sdd.places import expanded_variables
from sdd.runs.plan import Plan
from sdd.runs.settings import Settings

_NAME, _LOCK = ".plans.json", ".plans.lock"
_WRITE_SECONDS, _LOOK_SECONDS = 10.0, 0.2


Planner = Callable[[Sequence[str]], Plan]
"""Returns what a command line of `fit` asks for; raises a UserError where that is not allowed."""


def parsed(arguments: Sequence[str]) -> Plan:
    """Return what a command line of `fit` asks for, by parsing it: see `sdd.cli.parse.plan`."""
    from sdd.cli.parse import plan  # here, for a sweep whose plans are all stored: it takes seconds

    return plan(list(arguments))


class StoredPlans:
    """The plans in a folder of runs. Use it as a context: it keeps on leaving what it has found out.

    Of several processes that need the same plans one makes them, and the others wait for it.

    Args:
        folder: Of the runs.
        check: Called now and then while it waits; what it raises ends the waiting.
        plan: Makes a plan that is not there.
        make_folder: Make the folder where it is missing; else nothing is kept then.
    """

    def __init__(
        self,
        folder: Path,
        check: Callable[[], None] = lambda: None,
        plan: Planner = parsed,
        *,
        make_folder: bool = True,
    ) -> None:
        self._keeps = make_folder or folder.is_dir()
        self._folder, self._check, self._plan = folder, check, plan
        self._held: dict[str, Any] = {}
        self._lock = ExitStack()
        self._alone = self._changed = False
        self._written = time.monotonic()

    def __enter__(self) -> "StoredPlans":
        self._held = self._read()
        self._remove_parts()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self._write()

    def of(self, arguments: Sequence[str]) -> Plan:
        """Return what a command line of `fit` asks for.

        Raises:
            UserError: A setting is unknown or its value is not allowed.
        """
        key = _key(arguments)
        stored = self._stored(key)
        if stored is None and not self._alone:
            self._wait_for_others()
            stored = self._stored(key)
        if stored is not None:
            return stored
        with opened_files() as opened, expanded_variables() as variables:
            plan = self._plan(arguments)
        self._held[key] = {
            "config_name": plan.config_name,
            "seed": plan.seed,
            "levels": plan.levels,
            "settings": plan.settings.content(),
            "variables": {name: _digest_of(os.environ.get(name)) for name in sorted(variables)},
            "files": {path: content for path in sorted({*opened, *_own_modules()}) if (content := _content_of(path))},
        }
        self._changed = True
        if time.monotonic() - self._written > _WRITE_SECONDS:
            self._write()
        return plan

    def _stored(self, key: str) -> Plan | None:
        """Return a plan that is held and still holds."""
        held = self._held.get(key)
        try:
            if held is None or any(_content_of(path) != content for path, content in held["files"].items()):
                return None
            if any(_digest_of(os.environ.get(name)) != value for name, value in held["variables"].items()):
                return None
            settings = Settings.of_content(held["settings"], self._folder / _NAME)
            return Plan(str(held["config_name"]), int(held["seed"]), settings, int(held["levels"]))
        except (UserError, TypeError, ValueError, KeyError, AttributeError):  # damaged: it is made again
            return None

    def _remove_parts(self) -> None:
        """Remove what killed processes have left half written, unless another process makes plans now."""
        left = [*self._folder.glob(f".{_NAME}-*{PART}")]
        if left and self._keeps:
            with (
                removing_leftovers(self._folder),
                try_lock(self._folder / _LOCK, f"process {os.getpid()}") as holder,
            ):
                for part in left if holder is None else ():
                    part.unlink(missing_ok=True)

    def _wait_for_others(self) -> None:
        """Wait while another process makes plans here, and take what it has made."""
        self._alone = True
        if not self._keeps:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            while True:
                attempt = ExitStack()
                if attempt.enter_context(try_lock(self._folder / _LOCK, f"process {os.getpid()}")) is None:
                    self._lock.push(attempt)
                    break
                attempt.close()
                self._check()
                time.sleep(_LOOK_SECONDS)
        except OSError:  # nothing may be written here: `_write` says so
            return
        self._held |= self._read()

    def _read(self) -> dict[str, Any]:
        """Return the plans that are stored; none where they were made by other versions, or the file is damaged."""
        try:
            content = read_json(self._folder / _NAME)
        except UserError:
            return {}
        plans = content.get("plans")
        return plans if content.get("made_by") == _versions() and isinstance(plans, dict) else {}

    def _write(self) -> None:
        if not (self._changed and self._keeps):
            return
        self._written, self._changed = time.monotonic(), False
        try:
            write_atomically(self._folder / _NAME, json.dumps({"made_by": _versions(), "plans": self._held}) + "\n")
        except OSError as error:
            say(f"sdd: the plans of the runs could not be kept in {self._folder} ({error})", error=True)


@cache
def _versions() -> str:
    """Return a digest of sdd's own code and of the names and versions of all that is installed."""
    package = Path(__file__).parents[1]
    code = [file.read_bytes() for file in sorted(package.rglob("*.py"))]
    places = [Path(place) for place in sys.path if os.path.isdir(place)]
    installed = sorted(entry.name for place in places for entry in place.glob("*.dist-info"))
    return hashlib.sha256(b"\0".join([*code, sys.version.encode(), *map(str.encode, installed)])).hexdigest()[:16]


def _key(arguments: Sequence[str]) -> str:
    """Return a digest of a command line and of where its relative paths and the user's modules are looked for."""
    return _digest_of([os.getcwd(), os.environ.get("PYTHONPATH", ""), *arguments])


def _digest_of(value: str | list[str] | None) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def _own_modules() -> set[str]:
    """Return the files of all modules of the user's own that are imported."""
    files = [getattr(module, "__file__", None) for module in tuple(sys.modules.values())]
    return {os.path.abspath(file) for file in files if isinstance(file, str) and _is_own_module(file)}


@cache
def _is_own_module(file: str) -> bool:
    return is_own(Path(file))


def _content_of(path: str) -> str | None:
    """Return a digest of a file's content; None where there is no such file."""
    try:
        found = os.stat(path)
        return _digest(path, found.st_mtime_ns, found.st_size, found.st_ino)
    except OSError:
        return None


@cache
def _digest(path: str, *state: int) -> str:
    """Return a digest of a file's content; what of its state has changed since makes it another call."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


_opened: set[str] | None = None
"""The files that are opened now are added to this; None: nobody asks."""


@cache
def _listen() -> None:
    """Have Python tell of each file that it opens, from now on."""

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if _opened is not None and event == "open" and isinstance(arguments[0], str):
            _opened.add(arguments[0])

    sys.addaudithook(note)


@contextmanager
def opened_files() -> Iterator[set[str]]:
    """Find out which files of the user's own are opened meanwhile.

    Yields:
        A set that holds their absolute paths afterwards; those that are gone again or are no files are not among them.
    """
    global _opened
    _listen()
    found: set[str] = set()
    before, _opened = _opened, set[str]()
    try:
        yield found
    finally:
        opened, _opened = _opened, before
        paths = {os.path.abspath(path) for path in opened}
        found |= {path for path in paths if is_own(Path(path)) and os.path.isfile(path)}
