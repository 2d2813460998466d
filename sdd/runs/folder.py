"""The folder that a run owns: the names of its files, its settings, its checkpoints, and its state."""

import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal

from sdd.errors import UserError
from sdd.files import only_one_process, read_bytes, try_lock, write_atomically
from sdd.runs.data_record import DataRecord
from sdd.runs.settings import Settings, difference

StateName = Literal["new", "started", "unfinished", "finished", "damaged", "other"]

_UNSTARTED = "has not finished its first level"
_SHOWN = 3
_CHECKPOINT = re.compile(r"epoch-\d{6,}\.ckpt")


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


class RunFolder:
    """Paths and state of one run.

    Args:
        path: The folder; it need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @property
    def config(self) -> Path:
        """The run's full configuration."""
        return self.path / "config.yaml"

    @property
    def settings_file(self) -> Path:
        """The settings that decide the run's numbers, and which of them were chosen."""
        return self.path / "settings.json"

    @property
    def environment_file(self) -> Path:
        """Versions, machine and threads that the run was started with."""
        return self.path / "environment.json"

    @property
    def data_file(self) -> Path:
        """Label noise as it was drawn, and fingerprints of the data that the run was started with."""
        return self.path / "data.json"

    @property
    def curve(self) -> Path:
        """The run's curve, one row a level."""
        return self.path / "curve.csv"

    @property
    def columns(self) -> Path:
        """Descriptions of the curve's columns."""
        return self.path / "columns.json"

    @property
    def picture(self) -> Path:
        """Picture of the curve."""
        return self.path / "curve.png"

    @property
    def summary(self) -> Path:
        """Phases and correlations; written last, so that it marks a finished run."""
        return self.path / "summary.json"

    @property
    def loss_curves(self) -> Path:
        """The loss along random directions around each level's weights, where it was measured."""
        return self.path / "loss_curves.csv"

    @property
    def spectrum(self) -> Path:
        """Density of the Hessian's eigenvalues at each level, where it was measured."""
        return self.path / "spectrum.csv"

    @property
    def distance_path(self) -> Path:
        """The learning distance after every epoch, where it was measured."""
        return self.path / "distance_path.csv"

    @property
    def epochs(self) -> Path:
        """What each level's network did after its epochs, where it was measured."""
        return self.path / "epochs.csv"

    @property
    def _levels(self) -> Path:
        """Folder of the weights and masks of each trained level."""
        return self.path / "levels"

    @property
    def _checkpoints(self) -> Path:
        """Folder of the checkpoints to resume from."""
        return self.path / "checkpoints"

    @property
    def _lock(self) -> Path:
        """Lock file that the process working in the folder holds."""
        return self.path / ".lock"

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
            entries = sorted(entry.name for entry in self.path.iterdir())
            shown = [name for name in entries if not name.startswith(".")]
            # Written when a run starts, before its settings.
            first = (self.environment_file, self.data_file, self.config, self._levels, self._checkpoints)
            if not {*shown} <= {path.name for path in first}:
                more = " and more" if len(shown) > _SHOWN else ""
                return State("other", f"is no run: it holds {', '.join(shown[:_SHOWN])}{more}")
            return State("started", _UNSTARTED) if entries else State("new", "is empty")
        try:
            expected = self._read_settings().levels
        except UserError as error:
            return State("damaged", str(error).replace(f"{self.path}{os.sep}", ""))
        if not curve:
            if self.summary.is_file():
                return State("damaged", f"has a {self.summary.name} but no {self.curve.name}")
            return State("started", _UNSTARTED)
        done = self.levels_done()
        count = f"{done} of its {expected} levels" if expected is not None else f"{done} levels"
        if done == 0:
            return State("damaged", f"{self.curve.name} holds no level")
        if not self.summary.is_file():
            return State("unfinished", f"unfinished, with {count}")
        if unreadable := _unreadable(self.summary):
            return State("damaged", f"{unreadable}; its {self.curve.name} is used")
        if expected is not None and done < expected:
            return State("damaged", f"marked as finished, but its {self.curve.name} holds only {count}")
        return State("finished", None)

    def levels_done(self) -> int:
        """Count the levels in the curve."""
        return max(read_bytes(self.curve).count(b"\n") - 1, 0) if self.curve.is_file() else 0

    def settings(self) -> Settings | None:
        """Return what the run was started as, or None where no run was.

        Raises:
            UserError: The file cannot be read, or another version wrote it.
        """
        return self._read_settings() if self.settings_file.is_file() else None

    def _read_settings(self) -> Settings:
        return Settings.of_content(_read_json(self.settings_file), self.settings_file)

    def level_checkpoint(self, level: int) -> Path:
        """Weights and masks of a trained level."""
        return self._levels / f"level-{level:03d}.ckpt"

    def checkpoint(self, epochs_done: int) -> Path:
        """A checkpoint to resume from."""
        return self._checkpoints / f"epoch-{epochs_done:06d}.ckpt"

    def checkpoints(self) -> list[Path]:
        """All checkpoints to resume from, the newest first."""
        return sorted(filter(self.is_checkpoint, self._checkpoints.glob("epoch-*.ckpt")), reverse=True)

    @staticmethod
    def is_checkpoint(path: Path) -> bool:
        """Tell whether a file is named as a checkpoint to resume from, not as one of a user's ModelCheckpoint."""
        return _CHECKPOINT.fullmatch(path.name) is not None

    def newest_checkpoint(self) -> tuple[Path | None, list[Path]]:
        """Find the newest checkpoint that can be read.

        Returns:
            It, or None where there is none at all; and the damaged ones that were passed over.

        Raises:
            UserError: There are checkpoints, but none can be read.
        """
        damaged: list[Path] = []
        for path in self.checkpoints():
            if is_readable(path):
                return path, damaged
            damaged.append(path)
        if damaged:
            raise UserError(
                f"no checkpoint in {damaged[0].parent} can be read ({len(damaged)} damaged); the finished levels "
                f"are in {self.curve}; delete that folder to start the run over"
            )
        return None, damaged

    def environment(self) -> dict[str, Any]:
        """Return what the run was started with; empty where it was not.

        Raises:
            UserError: The file cannot be read.
        """
        if not self.environment_file.is_file():
            return {}
        content = _read_json(self.environment_file)
        if not isinstance(content, dict):
            raise UserError(f"{self.environment_file} is damaged: it holds no environment")
        return content

    def write_environment(self, content: Mapping[str, Any]) -> None:
        """Write what the run is started with."""
        write_atomically(self.environment_file, json.dumps(content, indent=1) + "\n")

    def data_record(self) -> DataRecord | None:
        """Return what the data are that the run was started with; None where nothing is recorded.

        Raises:
            UserError: The file cannot be read.
        """
        if not self.data_file.is_file():
            return None
        content = _read_json(self.data_file)
        try:
            return DataRecord.of_content(content)
        except ValueError as error:
            raise UserError(
                f"{self.data_file} is damaged: {error}; remove it if you know that the data have not changed"
            ) from error

    def write_data_record(self, record: DataRecord) -> None:
        """Write what the data are that the run is started with."""
        write_atomically(self.data_file, record.text())

    def write_config(self, text: str, settings: Settings) -> None:
        """Write the configuration and its settings; a resumed run keeps those that it was started with."""
        held = self.settings()
        settings = settings if held is None else held.going_on(settings)
        write_atomically(self.config, text)
        write_atomically(self.settings_file, json.dumps(settings.content(), indent=1, sort_keys=True) + "\n")

    def check_settings(self, settings: Settings) -> Mapping[str, tuple[Any, Any]]:
        """Find out whether the folder is free, or holds a run of these settings.

        Returns:
            Settings of that run which nobody chose and whose default has moved since: the value at its start, and
            today's.

        Raises:
            UserError: It holds a run of different settings, or something that is no run.
        """
        held = self.settings()
        if held is None:
            if self.path.is_dir() and any(not entry.name.startswith(".") for entry in self.path.iterdir()):
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
        self.path.mkdir(parents=True, exist_ok=True)
        with try_lock(self._lock, f"{socket.gethostname()}, process {os.getpid()}") as holder:
            if holder is not None:
                raise BusyRunError(
                    f"{self.path} is being worked on by another process ({holder}); wait for it or stop it"
                )
            yield

    def wait_until_free(self) -> None:
        """Return as soon as no process holds the folder."""
        if self.path.is_dir():
            with only_one_process(self._lock):
                pass


def is_readable(checkpoint: Path) -> bool:
    """Tell whether a checkpoint can be loaded whole."""
    import torch  # here, for what only looks at a folder: it takes seconds

    try:
        torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError, UnpicklingError):
        return False
    return True


def _read_json(path: Path) -> Any:
    try:
        return json.loads(read_bytes(path))
    except UserError:
        raise
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: {error}") from error


def _unreadable(summary: Path) -> str | None:
    """Return why a summary cannot be read, or None where it can."""
    try:
        content = _read_json(summary)
    except UserError as error:
        return str(error).removeprefix(f"{summary.parent}{os.sep}")
    return None if isinstance(content, dict) else f"{summary.name} is damaged: it holds no summary"
