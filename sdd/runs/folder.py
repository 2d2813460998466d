"""The folder that a run owns: its state, its settings and records, its checkpoints, and who works in it."""

import json
import os
import re
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sdd.checksums import FILE as CHECKSUMS
from sdd.checksums import checksum, read_checksums
from sdd.errors import DamagedError, UserError
from sdd.files import content_now, damage, make_folder, read_json, removing_leftovers, write_checked, write_checksums
from sdd.locks import check_there, is_held_by, only_one_process, try_lock
from sdd.regular_files import read_bytes
from sdd.runs.data_record import DataRecord
from sdd.runs.run_files import RunFiles
from sdd.runs.settings import Settings, difference

StateName = Literal["new", "started", "unfinished", "finished", "damaged", "other"]

_UNSTARTED = "has not finished its first level"
_SHOWN = 3
_HOLDER = "{host}, process {process}"
_HELD = re.compile(r"(?P<host>.+), process (?P<process>\d+)")


@dataclass(frozen=True)
class State:
    """How far the run in a folder has come.

    Attributes:
        name: `new`: there is nothing yet; `started`: no level is done; `unfinished`: some are; `finished`: all are;
            `damaged`: something in it cannot be used; `other`: it is no run.
        reason: What it lacks, in words; None for a finished run.
    """

    name: StateName
    reason: str | None


class BusyRunError(UserError):
    """Another process works in the run's folder."""


class RunFolder(RunFiles):
    """Files and state of one run.

    Args:
        path: The folder; it need not exist.
    """

    @property
    def is_run(self) -> bool:
        """Whether a run has been started in the folder, or has left its curve there."""
        return os.path.isfile(self.settings_file) or os.path.isfile(self.curve)

    @property
    def finished(self) -> bool:
        """Whether all levels are done."""
        return self.state().name == "finished"

    def state(self) -> State:
        """Find out how far the run has come; whether the rows of its curve can be read, `read_run` finds out."""
        try:
            return self._state()
        except OSError as error:
            return State("damaged", f"cannot be read: {error.strerror or error}")
        except UserError as error:
            return State("damaged", str(error).replace(f"{self.path}{os.sep}", ""))

    def _state(self) -> State:
        if not self.path.is_dir():
            return State("other", "is a file") if self.path.exists() else State("new", "is not there")
        curve = self.curve.is_file()
        if not self.settings_file.is_file():
            if curve:
                return State("damaged", f"is no run: it holds a {self.curve.name} but no {self.settings_file.name}")
            if not any(self.path.iterdir()):
                return State("new", "is empty")
            shown = self._not_of_a_start()
            more = " and more" if len(shown) > _SHOWN else ""
            if shown:
                return State("other", f"is no run: it holds {', '.join(shown[:_SHOWN])}{more}")
            return State("started", _UNSTARTED)
        expected = self._read_settings().levels
        if not curve:
            if self.summary.is_file():
                return State("damaged", f"has a {self.summary.name} but no {self.curve.name}")
            return State("started", f"has lost its {self.curve.name}" if damage(self.curve) else _UNSTARTED)
        if changed := damage(self.curve):
            return State("damaged", changed)
        done = self.levels_done()
        count = f"{done} of its {expected} levels" if expected is not None else f"{done} levels"
        if done == 0:
            return State("damaged", f"{self.curve.name} holds no level")
        if not self.summary.is_file():
            if lost := damage(self.summary):
                return State("damaged", f"{lost}; its {self.curve.name} is used")
            return State("unfinished", f"unfinished, with {count}")
        if unreadable := _unreadable(self.summary):
            return State("damaged", f"{unreadable}; its {self.curve.name} is used")
        if expected is not None and done < expected:
            return State("damaged", f"marked as finished, but its {self.curve.name} holds only {count}")
        return State("finished", None)

    def _not_of_a_start(self) -> list[str]:
        """Return the names of all in the folder that no start, ended before it had written settings, leaves there.

        Settings come first, and before them only checksums. Earlier versions wrote others before them, or before
        they took the lock the dense level of another run; what a user has put there is kept from being overwritten.
        """
        names = sorted(entry.name for entry in self.path.iterdir() if not entry.name.startswith("."))
        earlier = {path.name for path in (self.environment_file, self.data_file, self.config)}
        started = {CHECKSUMS, *(earlier if self._lock.exists() else ())}
        level = self.level_checkpoint(0)
        if self._levels.is_dir() and {entry.name for entry in self._levels.glob("[!.]*")} <= {level.name}:
            started.add(self._levels.name)
        return [name for name in names if name not in started]

    def levels_done(self) -> int:
        """Count the levels in the curve."""
        return max(read_bytes(self.curve).count(b"\n") - 1, 0) if self.curve.is_file() else 0

    def settings(self) -> Settings | None:
        """Return what the run was started as, or None where no run was.

        Raises:
            UserError: The file cannot be read, or another version wrote it.
            DamagedError: It is damaged, or has gone.
        """
        return self._read_settings() if self._is_there(self.settings_file) else None

    def _is_there(self, path: Path) -> bool:
        """Tell whether there is a file.

        Raises:
            DamagedError: It is not, but must be.
        """
        there = path.is_file()
        if not there and (found := damage(path)):
            raise DamagedError(f"{self.path}{os.sep}{found}")
        return there

    def _read_settings(self) -> Settings:
        return Settings.of_content(read_json(self.settings_file), self.settings_file)

    def damaged_tables(self) -> list[str]:
        """Return what is wrong with files that a finished run can write anew, in words that begin with their names.

        Raises:
            UserError: It is not known how they should be.
        """
        known = read_checksums(self.path)
        start = {self.settings_file, self.environment_file, self.data_file, self.config}
        named = sorted(known.keys() - {path.name for path in start})
        return [found for name in named if (found := damage(self.path / name, known))]

    def renew_checksums(self) -> None:
        """Take the run's own files as they are for right, and no others; the folder must be `owned`."""
        held = {path.name: content_now(path) for path in self.own_files}
        write_checksums(self.path, {name: [checksum(content)] for name, content in held.items() if content is not None})

    def newest_checkpoint(self) -> tuple[Path | None, list[str]]:
        """Find the newest checkpoint that is whole.

        Returns:
            It, or None where there is none at all; and what is wrong with those that were passed over.

        Raises:
            UserError: There are checkpoints, but none is whole.
        """
        from sdd.runs.checkpoint_file import damage_of  # here, for what only looks at a folder: PyTorch takes seconds

        damaged: list[str] = []
        for path in self.checkpoints():
            found = damage_of(path)
            if found is None:
                return path, damaged
            damaged.append(found)
        if damaged:
            raise UserError(
                f"no checkpoint in {self._checkpoints} can be read: {'; '.join(damaged)}; the finished levels "
                f"are in {self.curve}; delete that folder to start the run over"
            )
        return None, damaged

    def environment(self) -> dict[str, Any]:
        """Return what the run was started with; empty where it was not.

        Raises:
            UserError: The file cannot be read.
        """
        if not self._is_there(self.environment_file):
            return {}
        return read_json(self.environment_file)

    def write_environment(self, content: Mapping[str, Any]) -> None:
        """Write what the run is started with."""
        write_checked(self.environment_file, json.dumps(content, indent=1) + "\n")

    def data_record(self) -> DataRecord | None:
        """Return what the data are that the run was started with; None where nothing is recorded.

        Raises:
            UserError: The file cannot be read.
        """
        if not self.data_file.is_file():  # it may be removed, by somebody who knows the data
            return None
        content = read_json(self.data_file)
        try:
            return DataRecord.of_content(content)
        except ValueError as error:
            raise UserError(
                f"{self.data_file} is damaged: {error}; remove it if you know that the data have not changed"
            ) from error

    def write_data_record(self, record: DataRecord) -> None:
        """Write what the data are that the run is started with."""
        write_checked(self.data_file, record.text())

    def write_config(self, text: str, settings: Settings) -> None:
        """Write the settings, first of all, and the configuration; a resumed run keeps what it was started with."""
        held = self.settings()
        self.write_settings(settings if held is None else held.going_on(settings))
        write_checked(self.config, text)

    def write_settings(self, settings: Settings) -> None:
        """Write the settings that the run is started with."""
        write_checked(self.settings_file, json.dumps(settings.content(), indent=1, sort_keys=True) + "\n")

    def check_settings(self, settings: Settings, known: Collection[str] = ()) -> Mapping[str, tuple[Any, Any]]:
        """Find out whether the folder is free, or holds a run of these settings.

        Args:
            settings: Of the run that is to be in it.
            known: Names of what is in it already and is the run's own, such as folders of its loggers.

        Returns:
            Settings of that run which nobody chose and whose default has moved since: the value at its start, and
            today's.

        Raises:
            UserError: It holds a run of different settings, or something that is no run.
        """
        held = self.settings()
        if held is None:
            if self.path.is_dir() and {*self._not_of_a_start()} - {*known}:
                raise UserError(
                    f"{self.path} is not empty and holds no run: choose another --run_dir or remove what is in it"
                )
            if self.path.exists() and not self.path.is_dir():
                raise UserError(f"{self.path} is a file: choose another --run_dir")
            return {}
        found = difference(held, settings)
        if found.conflicts:
            further = len(found.conflicts) - _SHOWN
            shown = "; ".join(found.conflicts[:_SHOWN]) + (f"; and {further} more" if further > 0 else "")
            raise UserError(f"{self.path} holds a run of different settings: {shown}; choose another --run_dir")
        return found.moved

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the folder, so that no second process works in it.

        Raises:
            BusyRunError: Another process holds it.
        """
        make_folder(self.path)
        with try_lock(self._lock, _HOLDER.format(host=socket.gethostname(), process=os.getpid())) as holder:
            if holder is not None:
                raise BusyRunError(
                    f"{self.path} is being worked on by another process ({holder}); wait for it or stop it"
                )
            yield

    def last_holder(self) -> tuple[str, int] | None:
        """Return host and number of the process that held the folder last, and may do so still; None: not known."""
        try:
            said = _HELD.fullmatch(self._lock.read_text(encoding="utf-8", errors="replace").strip())
        except OSError:
            return None
        return None if said is None else (said["host"], int(said["process"]))

    def is_held_by(self, process: int) -> bool:
        """Tell whether a process of this machine is known to hold the folder; not everywhere can that be known."""
        return is_held_by(process, self._lock)

    def remove_parts(self) -> None:
        """Remove what is half written; the folder must be `owned`."""
        for part in self.parts:
            part.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what killed processes have left half written, unless another process works there or none may write."""
        if self.parts:
            with suppress(BusyRunError), removing_leftovers(self.path), self.owned():
                self.remove_parts()

    def check_there(self) -> None:
        """Find out whether the folder that this process holds is still that folder.

        Raises:
            LostFolderError: It has been deleted, moved or replaced.
        """
        check_there(self.path)

    def wait_until_free(self) -> None:
        """Return as soon as no process holds the folder."""
        if self.path.is_dir():
            with only_one_process(self._lock):
                pass


def _unreadable(summary: Path) -> str | None:
    """Return why a summary cannot be read, or None where it can."""
    try:
        read_json(summary)
    except UserError as error:
        return str(error).removeprefix(f"{summary.parent}{os.sep}")
    return None
