"""Runs in processes of their own, their folders before and after, and how two of them differ."""

import os
import pickle
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from sdd.errors import UserError
from sdd.files import PART, damage
from sdd.processes import ForkServer
from sdd.runs.checkpoint_file import damage_of
from sdd.runs.level_file import read_level
from sdd.sweep.local_engine import IMPORTED
from tests.durability.operations import Operation, Stop
from tests.golden.cases import CASES, SHORT, Case
from tests.golden.stand_ins import image_folder
from tests.small import PROJECT, curve_without_seconds

FOLDER = "runs/case"

_UNTRIED = ["--preflight", "false"]
_TINY = [*SHORT[:-6], "--pruning.levels", "2", "--pruning.epochs_per_level", "2", *SHORT[-2:]]

TINY = Case("tiny", [*_TINY, "--checkpoint.every_n_epochs", "1", "--distance.path", "true"])
TRIED = Case("with a trial", [*_TINY, "--preflight", "true"])

_IMAGES = [
    "--data.dataset",
    "image_folder",
    "--data.root",
    "images",
    "--data.image_size",
    "8",
    "--data.augment",
    "crop_flip",
]

EXPERIMENTS = {
    case.name: case
    for case in (
        TINY,
        TRIED,
        Case("dynamics", [*_TINY, "--dynamics.levels", "all"]),
        *(
            case
            for case in CASES
            if case.name
            in {
                "flatness",
                "dense_from",
                "tickets",
                "redense",
                "masks_from-auto",
                "frozen-initial",
                "distilled",
                "spectrum",
            }
            or case.name in {f"{mode}-gradient-layer" for mode in ("lottery", "lr_rewind", "finetune", "scratch")}
            or case.name in {"lottery-random", "lottery-largest"}
        ),
    )
}
"""What is stopped, by name."""

NOT_COMPARED = {"environment.json", "curve.png", ".lock", "checksums.json"}


@dataclass(frozen=True)
class End:
    """How a process has ended. Attributes: status: Its exit status. said: What it has printed."""

    status: int
    said: str


class Runner:
    """Runs experiments in copies of a process that has imported everything.

    Args:
        place: Folder for all that is written.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        paths = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        self._server = ForkServer([*IMPORTED, "tests.durability.child"], PROJECT, environment)
        client = self._server.client()
        assert client is not None, "the imports have failed"
        self._client = client
        self._whole: dict[str, tuple[Path, list[Operation]]] = {}

    def close(self) -> None:
        """End the process that is copied."""
        self._server.close()

    def run(self, arguments: Sequence[str], folder: Path, stop: Stop | None = None, record: Path | None = None) -> End:
        """Run a command in a folder, to its end or to where it is stopped."""
        at, by = ("", "") if stop is None else (str(stop.at), stop.by)
        said = self.place / "said.txt"
        with said.open("wb") as output:
            process = self._client.start(
                "tests.durability.child",
                [str(folder), str(record or ""), at, by, *arguments],
                output.fileno(),
                output.fileno(),
            )
            assert process is not None
            try:
                status = process.wait(120)
            except subprocess.TimeoutExpired:
                process.terminate()
                status = process.wait()
        return End(status, said.read_text(errors="replace"))

    def start(self, case: Case, name: str) -> Path:
        """Make the folder that an experiment is run in, with what it builds on."""
        ready = self.place / "ready" / case.name
        if not ready.is_dir():
            ready.mkdir(parents=True)
            if "images" in case.arguments:
                image_folder(ready / "images")
            if case.first is not None:
                arguments, folder = case.first
                end = self.run([*arguments, *_UNTRIED, "--run_dir", folder], ready)
                assert end.status == 0, end.said
        shutil.copytree(ready, self.place / name)
        return self.place / name

    def undisturbed(self, case: Case, name: str) -> tuple[Path, list[Operation]]:
        """Run an experiment to its end, once for each name; returns its folder and its operations."""
        if name in self._whole:
            return self._whole[name]
        folder, record = self.start(case, name), self.place / f"{name}.operations"
        end = self.run(command(case), folder, record=record)
        assert end.status == 0, end.said
        self._whole[name] = folder, pickle.loads(record.read_bytes())
        return self._whole[name]


def command(case: Case) -> list[str]:
    """Return the command line of an experiment."""
    tried = [] if "--preflight" in case.arguments else _UNTRIED
    return [*case.arguments, *tried, "--run_dir", FOLDER]


def differences(reference: Path, found: Path) -> list[str]:
    """Return in what the runs in a folder are not those of another, in words; empty where they are the same.

    Tables are compared bit for bit but for seconds, levels by their tensors; of pictures and checkpoints, whether they
    are there and whole. Nothing may be left over, but for an older checkpoint.
    """
    told = []
    names = {_name(path, reference) for path in _files(reference)} | {_name(path, found) for path in _files(found)}
    for name in sorted(names):
        here, there = found / name, reference / name
        if name.endswith(PART) or name.startswith("tmp/"):
            told.append(f"left over: {name}")
        elif "/checkpoints/" in name and not there.is_file():
            continue
        elif not here.is_file() or not there.is_file():
            told.append(f"{'missing' if there.is_file() else 'too many'}: {name}")
        else:
            try:
                same = _same(there, here)
            except UserError:  # it is damaged
                same = False
            told += [] if same else [f"other content: {name}"]
    return told


def _files(folder: Path) -> list[Path]:
    return [path for part in ("runs", "tmp") for path in (folder / part).rglob("*") if path.is_file()]


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder))


def _same(one: Path, other: Path) -> bool:
    if damage(other):
        return False
    if one.name in NOT_COMPARED:
        return True
    if one.name == "curve.csv":
        return curve_without_seconds(one.parent) == curve_without_seconds(other.parent)
    if one.parent.name == "levels":
        first, second = read_level(one), read_level(other)
        return all(
            a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
            for a, b in zip(first, second, strict=True)
        )
    if one.suffix == ".ckpt":
        return damage_of(other) is None
    return one.read_bytes() == other.read_bytes()
