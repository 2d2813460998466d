"""The folder that a run owns: its name, its settings, its checkpoints, and whether it is finished."""

import hashlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
import yaml

from sdd.errors import UserError
from sdd.files import only_one_process, try_lock, write_atomically

# What changes where and how a run is computed and watched, but not which numbers it is after.
_NOT_SETTINGS = {
    "run_dir",
    "wait",
    "config",
    "ckpt_path",
    "weights_only",
    "return_predictions",
    "verbose",
    "progress",
    "checkpoint",
    "curve",
    "pruning.dense_from",
    "data.eval_batch_size",
    "trainer.accelerator",
    "trainer.barebones",
    "trainer.benchmark",
    "trainer.check_val_every_n_epoch",
    "trainer.default_root_dir",
    "trainer.detect_anomaly",
    "trainer.devices",
    "trainer.enable_autolog_hparams",
    "trainer.enable_checkpointing",
    "trainer.enable_model_summary",
    "trainer.enable_progress_bar",
    "trainer.inference_mode",
    "trainer.log_every_n_steps",
    "trainer.logger",
    "trainer.max_epochs",
    "trainer.model_registry",
    "trainer.num_nodes",
    "trainer.num_sanity_val_steps",
    "trainer.profiler",
    "trainer.strategy",
    "trainer.use_distributed_sampler",
    "trainer.val_check_interval",
}


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
    def curve(self) -> Path:
        """One row a level."""
        return self.path / "curve.csv"

    @property
    def picture(self) -> Path:
        """The curve, drawn."""
        return self.path / "curve.png"

    @property
    def summary(self) -> Path:
        """Phases and correlations; written last, so that it marks a finished run."""
        return self.path / "summary.json"

    @property
    def finished(self) -> bool:
        """Whether all levels are done."""
        return self.summary.is_file()

    def level_checkpoint(self, level: int) -> Path:
        """Weights and masks of a trained level."""
        return self.path / "levels" / f"level-{level:03d}.ckpt"

    def checkpoint(self, epochs_done: int) -> Path:
        """A checkpoint to resume from."""
        return self.path / "checkpoints" / f"epoch-{epochs_done:06d}.ckpt"

    def checkpoints(self) -> list[Path]:
        """All checkpoints to resume from, the newest first."""
        return sorted((self.path / "checkpoints").glob("epoch-*.ckpt"), reverse=True)

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
        """Return what the run was started with; empty where it was not."""
        path = self.path / "environment.json"
        content: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
        return content

    def write_environment(self, content: Mapping[str, Any]) -> None:
        """Write what the run is started with."""
        write_atomically(self.path / "environment.json", json.dumps(content, indent=1) + "\n")

    def write_config(self, text: str, settings: Mapping[str, Any]) -> None:
        """Write the configuration, and the settings in it that decide the results."""
        write_atomically(self.config, text)
        write_atomically(self.path / "settings.json", json.dumps(settings, indent=1, sort_keys=True) + "\n")

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Find out whether the folder is free, or holds a run of these settings.

        Raises:
            UserError: It holds a run of different settings, or something that is no run.
        """
        path = self.path / "settings.json"
        if not path.is_file():
            if self.path.is_dir() and any(not entry.name.startswith(".") for entry in self.path.iterdir()):
                raise UserError(
                    f"{self.path} is not empty and holds no run: choose another --run_dir or remove what is in it"
                )
            if self.path.exists() and not self.path.is_dir():
                raise UserError(f"{self.path} is a file: choose another --run_dir")
            return
        try:
            held = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise UserError(f"cannot read {path} ({error}): choose another --run_dir") from error
        differences = [
            f"{key} is {_show(settings, key)} but was {_show(held, key)}"
            for key in sorted(held.keys() | settings.keys())
            if key not in held or key not in settings or held[key] != settings[key]
        ]
        if differences:
            shown = "; ".join(differences[:3]) + (f"; and {len(differences) - 3} more" if len(differences) > 3 else "")
            raise UserError(f"{self.path} holds a run of different settings: {shown}; choose another --run_dir")

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the folder, so that no second process works in it.

        Raises:
            BusyRunError: Another process holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with try_lock(self.path / ".lock", f"{socket.gethostname()}, process {os.getpid()}") as holder:
            if holder is not None:
                raise BusyRunError(
                    f"{self.path} is being worked on by another process ({holder}); wait for it or stop it"
                )
            yield

    def wait_until_free(self) -> None:
        """Return as soon as no process holds the folder."""
        if self.path.is_dir():
            with only_one_process(self.path / ".lock"):
                pass


def is_readable(checkpoint: Path) -> bool:
    """Tell whether a checkpoint can be loaded whole."""
    try:
        torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError, UnpicklingError):
        return False
    return True


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Pick from a run's configuration what decides its results, as flat dotted keys.

    Args:
        config: The nested configuration, of plain dictionaries, lists and scalars.
    """
    settings = {
        key: value
        for key, value in _flatten(config).items()
        if not any(key == name or key.startswith(f"{name}.") for name in _NOT_SETTINGS)
    }
    if settings.get("data.dataset") not in {"image_folder"}:
        # Where a known data set lies does not change it; the root of a folder of images says which one it is.
        settings.pop("data.root", None)
    return settings


def digest(settings: Mapping[str, Any]) -> str:
    """Return 8 hex digits that are the same for the same settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]


def plain(config_text: str) -> dict[str, Any]:
    """Parse a configuration file to plain dictionaries, lists and scalars."""
    content = yaml.safe_load(config_text)
    return content if isinstance(content, dict) else {}


def _flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= _flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat


def _show(settings: Mapping[str, Any], key: str) -> str:
    return json.dumps(settings[key]) if key in settings else "not set"
