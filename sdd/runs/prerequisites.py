"""Runs that another run builds on, found by their settings and trained first where they are not there."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from sdd.console import process_count
from sdd.errors import STOPPED, StoppedError, UserError
from sdd.files import temporary_folder
from sdd.places import place_of
from sdd.processes import Process, own_client
from sdd.runs.folder import RunFolder
from sdd.runs.plan import Plan
from sdd.runs.settings import differing

AUTO = "auto"

# The settings in which a run of winning tickets differs from one that takes their masks.
TICKETS: dict[str, Any] = {
    "masks_from": None,
    "masks_shuffled": False,
    "retrain": "lottery",
    "retrain_args": None,
    "redense_lr": None,
}

# The settings, at their defaults, in which a run differs from one that learns from it as its teacher.
UNTAUGHT: dict[str, Any] = {
    "distill_from": None,
    "distill_level": 0,
    "distill_weight": 0.0,
    "distill_temperature": 4.0,
}

# What level 0 depends on; the rest of `pruning` comes into play only when weights are removed.
_DENSE = ("epochs_per_level", "rewind_steps", "stop_loss", "exclude")

_GRACE_SECONDS = 20.0

_OUTPUT, _ERROR = 1, 2


def dense_config(config: Mapping[str, Any], teacher: str | None = None) -> dict[str, Any]:
    """Return the configuration of the dense network that a run prunes: its level 0 alone.

    Args:
        config: The run's, nested.
        teacher: Folder of the teacher of the run. Where a sparse level of it teaches, the dense network learns from
            that too, and by itself has no such teacher: `distill_from` `auto` would be a run of level 0 alone.
    """
    kept = {name: config["pruning"][name] for name in _DENSE}
    dense = _without_place(config) | {"pruning": kept | {"levels": 0}}
    if teacher is not None and config["model"].get("distill_from") == AUTO and config["model"]["distill_level"] != 0:
        dense["model"] = {**config["model"], "distill_from": teacher}
    return dense


def tickets_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of the winning tickets whose masks a run takes: the same with `lottery`.

    Args:
        config: The run's, nested.
    """
    return _without_place(config) | {"pruning": {**config["pruning"], **TICKETS}}


def teacher_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of the teacher of a run: the same without one; of level 0 alone where that teaches.

    Args:
        config: The run's, nested.
    """
    # A dense network that was named learns from the teacher too, so it is not the teacher's.
    shared = AUTO if config["pruning"].get("dense_from") == AUTO else None
    plain = {
        **config,
        "model": {**config["model"], **UNTAUGHT},
        "pruning": {**config["pruning"], "dense_from": shared},
        "checkpoint": {**config["checkpoint"], "keep_levels": True, "level_precision": "full"},
    }
    return dense_config(plain) if config["model"]["distill_level"] == 0 else _without_place(plain)


def _without_place(config: Mapping[str, Any]) -> dict[str, Any]:
    trainer = {**config["trainer"], "logger": False}
    left_out = {"run_dir", "config", "ckpt_path", "wait"}
    return {name: value for name, value in config.items() if name not in left_out} | {"trainer": trainer}


class Prerequisite:
    """A run that another one builds on.

    Args:
        setting: Which setting names it, such as `pruning.dense_from`.
        named: What the setting says: a folder, in which {seed} stands for the training seed, or `auto`: the folder
            that a run of these settings has by default, beside the folder of the run that asks.
        config: The source's configuration, nested.
        config_name: Of its configuration, for the default folder.
        beside: Folder of the run that asks.
        plan: Reads a command line, and gives the default folder and the settings.
        named_by: The configuration that gives the default folder: `config` as today's defaults make it, where the run
            that asks was started under others.
        measured: Whether what the run measures is taken over too, so that it must be what is asked for.
    """

    def __init__(
        self,
        setting: str,
        named: str,
        config: Mapping[str, Any],
        config_name: str,
        beside: Path,
        plan: Callable[[list[str]], Plan],
        *,
        named_by: Mapping[str, Any] | None = None,
        measured: bool = False,
    ) -> None:
        self._setting, self._config, self._config_name, self._measured = setting, config, config_name, measured
        planned = self._planned(config, plan)
        named_like = planned if named_by is None else self._planned(named_by, plan)
        if named != AUTO:
            path = place_of(named, setting, planned.seed)
        elif measured:
            path = named_like.measured_run_dir(beside.parent)
        else:
            path = named_like.run_dir(beside.parent)
        self.folder = RunFolder(path)
        self._settings = planned.settings

    def train(self) -> None:
        """Train the run unless it is finished; where another process is at it, wait for that one.

        Raises:
            UserError: The folder holds a run of other settings, or the training failed.
            KeyboardInterrupt: It was interrupted.
            StoppedError: Its time was over.
        """
        self._check()
        if self.folder.finished:
            self.folder.tidy()
            return
        if process_count() > 1:
            raise UserError(
                f"{self._setting}: {self.folder.path} is not finished, and cannot be trained by one of several "
                "processes that were started together; start this command once on a single device first"
            )
        sys.stderr.write(f"{self._setting}: {self.folder.path} comes first\n")
        with self._config_file(self._config) as file:
            status = _run(["fit", "--config", str(file), f"--run_dir={self.folder.path}", "--wait", "true"])
        if status in {130, -signal.SIGINT, -signal.SIGTERM}:
            raise KeyboardInterrupt
        if status == STOPPED:
            raise StoppedError(f"{self._setting}: {self.folder.path} is not finished; the same command goes on with it")
        if status != 0 or not self.folder.finished:
            raise UserError(
                f"{self._setting}: {self.folder.path} could not be trained (exit status {status}); mend what is said "
                "above, and give this command again"
            )

    def _check(self) -> None:
        """Find out whether the folder is free, or holds the run that is asked for."""
        try:
            moved = self.folder.check_settings(self._settings)
            held = self.folder.settings()
        except UserError as error:
            raise UserError(f"{self._setting}: {error}") from error
        for name, (then, now) in moved.items():
            raise UserError(
                f"{self._setting}: {self.folder.path} was trained with {name} {json.dumps(then)}, the default of its "
                f"time, which is {json.dumps(now)} now: set --{name} {json.dumps(then)} here, or name another folder"
            )
        if self._measured and held is not None and held.measures != self._settings.measures:
            name = differing(held.measures, self._settings.measures)[0]
            asked, was = (json.dumps(part.get(name, "default")) for part in (self._settings.measures, held.measures))
            raise UserError(
                f"{self._setting}: {self.folder.path} has measured otherwise: {name} is {asked} but was {was}; name "
                "another folder"
            )

    def _planned(self, config: Mapping[str, Any], plan: Callable[[list[str]], Plan]) -> Plan:
        with self._config_file(config) as file:
            return plan(["fit", "--config", str(file)])

    @contextmanager
    def _config_file(self, config: Mapping[str, Any]) -> Iterator[Path]:
        with temporary_folder() as place:
            file = place / f"{self._config_name}.yaml"
            file.write_text(yaml.safe_dump(config, sort_keys=False))
            yield file


def _run(arguments: list[str]) -> int:
    """Run `python -m sdd ARGUMENTS…` to its end; it ends when this process is interrupted or asked to end."""
    client = own_client()
    forked = client and client.start("sdd.__main__", arguments, _OUTPUT, _ERROR, os.getpgrp())
    process: Process = forked or subprocess.Popen([sys.executable, "-m", "sdd", *arguments])
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate()) if in_main_thread else None
    try:
        return process.wait()
    except KeyboardInterrupt:
        # A terminal has sent the interrupt to both.
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        raise
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, before)
