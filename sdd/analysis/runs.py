"""Finished runs, read back from their folders and put together by their settings."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdd.analysis.columns import read_columns
from sdd.analysis.curve import Row, read_curve
from sdd.errors import UserError
from sdd.measures.columns import Column

SEED = "seed_everything"
SPARSITIES = "pruning.sparsities"
MASKS_FROM = "pruning.masks_from"

# What a label names first; the rest follows in the order of the settings.
LABEL_ORDER = (
    "data.dataset",
    "data.noise_rate",
    "data.noise_type",
    "pruning.retrain",
    MASKS_FROM,
    "pruning.criterion",
    "data.train_size",
)


@dataclass(frozen=True)
class Run:
    """One run, as far as it has come; or a curve of several, each of which pruned to one sparsity.

    Attributes:
        path: Its folder. A joined curve has none: a path of its own beside its parts, where nothing is.
        name: Of the folder.
        settings: What decides its numbers, as flat dotted keys.
        rows: One a level, as `read_curve` returns them.
        finished: Whether its summary, which is written last, is there.
        problem: What it lacks, in words; None for a whole run.
        parts: The runs that a joined curve is made of, by sparsity; empty for a run.
        columns: What its folder holds of its columns, by name.
    """

    path: Path
    name: str
    settings: Mapping[str, Any]
    rows: tuple[Row, ...]
    finished: bool
    problem: str | None
    parts: tuple["Run", ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)

    @property
    def seed(self) -> int | None:
        """Of the training, or None where the settings name none."""
        value = self.settings.get(SEED)
        return value if isinstance(value, int) else None


@dataclass(frozen=True)
class Loaded:
    """Attributes: runs: Those that can be used. problems: One line for each folder that cannot."""

    runs: tuple[Run, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Runs that differ only in their seed.

    Attributes:
        settings: What they share: no seed, and `pruning.masks_from` only as None or "given".
        runs: By seed, one of each.
        label: As few settings as tell this group from the others, such as `data.noise_rate=0.2`; the data set
            where there is but one group.
        differing: The settings in which the groups differ, with this group's values.
        repeated: Runs left out because another of the same settings and seed is in: they are no further seed.
    """

    settings: Mapping[str, Any]
    runs: tuple[Run, ...]
    label: str
    differing: Mapping[str, Any]
    repeated: tuple[Run, ...] = ()

    @property
    def reinitialised(self) -> bool:
        """Whether the runs train other runs' masks from fresh weights."""
        return self.settings.get(MASKS_FROM) is not None


def read_run(path: str | os.PathLike[str]) -> Run:
    """Read a run, finished or not.

    Args:
        path: Its folder.

    Raises:
        UserError: There is no run, it is damaged, or it has not finished a level; the message is one line.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"{folder} is {'a file' if folder.exists() else 'not there'}; give the folder of a run")
    settings_file, curve, summary = (folder / name for name in ("settings.json", "curve.csv", "summary.json"))
    if not settings_file.is_file():
        held = "a curve.csv but no settings.json" if curve.is_file() else "no settings.json"
        raise UserError(f"{folder} is no run: it holds {held}")
    try:
        settings = json.loads(settings_file.read_bytes())
    except OSError as error:
        raise UserError(f"{settings_file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{settings_file} is damaged: {error}") from error
    if not isinstance(settings, dict):
        raise UserError(f"{settings_file} is damaged: it holds no settings by name")
    if not curve.is_file():
        raise UserError(f"{folder} has no curve.csv: the run has not finished its first level")
    rows = tuple(read_curve(curve))
    if not rows:
        raise UserError(f"{curve} holds no level")
    finished = summary.is_file()
    problem = _problem(settings, len(rows), finished)
    return Run(folder, folder.resolve().name, settings, rows, finished, problem, columns=read_columns(folder))


def read_runs(paths: Iterable[str | os.PathLike[str]]) -> Loaded:
    """Read several runs; a folder that is no run but holds some stands for them.

    Args:
        paths: Folders. One that is named twice, by whatever name, counts once.

    Returns:
        The runs in the order given, those within a folder by name, and what is wrong with the others.
    """
    runs: dict[Path, Run] = {}
    problems: list[str] = []
    for path in paths:
        for folder in _expand(Path(path)):
            if folder.resolve() in runs:
                continue
            try:
                runs[folder.resolve()] = read_run(folder)
            except UserError as error:
                problems.append(str(error))
    return Loaded(tuple(runs.values()), tuple(dict.fromkeys(problems)))


def group_runs(runs: Sequence[Run]) -> list[Group]:
    """Put together the runs that differ only in `seed_everything`.

    Runs with the masks of others count as alike whichever run each has its masks from. Of several runs with the
    same settings and seed, the one with the most levels is used: copies would make intervals too narrow. Runs
    that take masks are the exception: with one seed, those from different runs are different runs.

    Args:
        runs: In any order.

    Returns:
        Groups by the settings that tell them apart, numbers rising, other values as they come.
    """
    by_settings: dict[str, list[Run]] = {}
    for run in runs:
        by_settings.setdefault(json.dumps(shared_settings(run), sort_keys=True), []).append(run)
    members = list(by_settings.values())
    shared = [shared_settings(alike[0]) for alike in members]
    keys = sorted({key for settings in shared for key in settings})
    differing = [key for key in keys if len({_text(settings, key) for settings in shared}) > 1]
    labelled = _telling(shared, sorted(differing, key=_label_rank)) or ["data.dataset"]
    groups = []
    for alike, settings in zip(members, shared, strict=True):
        kept, repeated = _one_of_each(alike)
        label = ", ".join(f"{key}={_text(settings, key)}" for key in labelled)
        mine = {key: settings.get(key) for key in differing}
        groups.append(Group(settings, kept, label, mine, repeated))
    ranks = [_ranks([group.settings.get(key) for group in groups]) for key in labelled]
    order = sorted(range(len(groups)), key=lambda index: [rank[index] for rank in ranks])
    return [groups[index] for index in order]


def shared_settings(run: Run) -> dict[str, Any]:
    """Return a run's settings as its group shares them: no seed, and masks of other runs only as given or not."""
    settings = {key: value for key, value in run.settings.items() if key != SEED}
    if settings.get(MASKS_FROM) is not None:
        settings[MASKS_FROM] = "given"
    return settings


def _ranks(values: Sequence[Any]) -> list[float]:
    """Return what to sort values by: numbers themselves, and places of first appearance where some are none."""
    if all(isinstance(value, int | float) for value in values):
        return [float(value) for value in values]
    texts = [json.dumps(value, sort_keys=True) for value in values]
    return [float(texts.index(text)) for text in texts]


def differing_settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that two runs or groups do not share, sorted."""
    return [key for key in sorted({*first, *second}) if first.get(key) != second.get(key)]


def _expand(folder: Path) -> list[Path]:
    """Return the folder, or the runs in it where it is none itself."""
    if not folder.is_dir() or (folder / "settings.json").is_file() or (folder / "curve.csv").is_file():
        return [folder]
    inside = [part for part in sorted(folder.iterdir()) if (part / "settings.json").is_file()]
    return inside or [folder]


def _problem(settings: Mapping[str, Any], levels: int, finished: bool) -> str | None:
    """Return what a run lacks, in words."""
    sparsities, prunings = settings.get(SPARSITIES), settings.get("pruning.levels")
    expected = len(sparsities) + 1 if isinstance(sparsities, list) else None
    if expected is None and isinstance(prunings, int) and settings.get(MASKS_FROM) is None:
        expected = prunings + 1
    count = f"{levels} of its {expected} levels" if expected is not None else f"{levels} levels"
    if not finished:
        return f"unfinished, with {count}"
    if expected is not None and levels < expected:
        return f"marked as finished, but its curve.csv holds only {count}"
    return None


def _one_of_each(runs: Sequence[Run]) -> tuple[tuple[Run, ...], tuple[Run, ...]]:
    """Return runs by seed, one of each seed (and source of masks), and those left out."""
    longest_first = sorted(runs, key=lambda run: (not run.finished, -len(run.rows)))
    kept: dict[tuple[Any, Any], Run] = {}
    repeated = []
    for run in longest_first:
        key = (run.seed, run.settings.get(MASKS_FROM))
        if run.seed is None or key not in kept:
            kept[(run.path, None) if run.seed is None else key] = run
        else:
            repeated.append(run)
    by_seed = sorted(kept.values(), key=lambda run: (run.seed is None, run.seed or 0, run.name))
    return tuple(by_seed), tuple(repeated)


def _label_rank(key: str) -> int:
    return LABEL_ORDER.index(key) if key in LABEL_ORDER else len(LABEL_ORDER)


def _telling(groups: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[str]:
    """Return as few of the keys as tell the groups apart, taken in order."""
    chosen: list[str] = []
    told = 1
    for key in keys:
        now = len({tuple(_text(settings, name) for name in (*chosen, key)) for settings in groups})
        if now > told:
            chosen, told = [*chosen, key], now
    return chosen


def _text(settings: Mapping[str, Any], key: str) -> str:
    """Return a setting as a label shows it."""
    value = settings.get(key)
    if isinstance(value, str):
        return value.rpartition(".")[2] if key.endswith("class_path") else value
    return json.dumps(value)
