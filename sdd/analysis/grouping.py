"""Runs put together by their settings: groups of seeds, and labels that tell groups apart."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdd.analysis.reading import Run
from sdd.analysis.versions import moved_defaults
from sdd.runs.prerequisites import TICKETS
from sdd.runs.settings import MASKS_FROM, MASKS_SHUFFLED, canonical

# What a label names first; the rest follows in the order of the settings.
LABEL_ORDER = (
    "data.dataset",
    "data.noise_rate",
    "data.noise_type",
    "pruning.retrain",
    MASKS_SHUFFLED,
    MASKS_FROM,
    "pruning.criterion",
    "data.train_size",
)


@dataclass(frozen=True)
class Group:
    """Runs that differ only in their seed.

    Attributes:
        settings: What they share: no seed, and `pruning.masks_from` only as None or "given".
        runs: By seed, one of each.
        label: As few settings as tell this group from the others, such as `data.noise_rate=0.2`; the data set
            where there is but one group.
        differing: The settings in which the groups differ, with this group's values.
        identity: What was chosen for its runs, and defaults that have moved between the groups: by this it is known
            whichever runs are read with it.
        named_by: The settings that the label names.
        repeated: Runs left out because another of the same settings and seed is in: they are no further seed.
    """

    settings: Mapping[str, Any]
    runs: tuple[Run, ...]
    label: str
    differing: Mapping[str, Any]
    identity: Mapping[str, Any]
    named_by: tuple[str, ...]
    repeated: tuple[Run, ...] = ()

    @property
    def reinitialised(self) -> bool:
        """Whether the runs train given masks, not shuffled ones, and not from the weights of winning tickets."""
        tickets = self.settings.get("pruning.retrain") == TICKETS["retrain"]
        return self.settings.get(MASKS_FROM) is not None and not tickets and not self.shuffled

    @property
    def shuffled(self) -> bool:
        """Whether the runs train under shuffled masks: a control, neither winning tickets nor re-initialised ones."""
        return bool(self.settings.get(MASKS_SHUFFLED))


def group_runs(runs: Sequence[Run]) -> list[Group]:
    """Put together the runs that differ only in `seed_everything`.

    Runs with the masks of others count as alike whichever run each has its masks from. Of several runs with the
    same settings and seed, the one with the most levels is used: copies would make intervals too narrow. Runs
    that take masks are the exception: with one seed, those from different runs are different runs.

    Args:
        runs: In any order, as they were read together.

    Returns:
        Groups by the settings that tell them apart, numbers rising, other values as they come.
    """
    by_settings: dict[str, tuple[dict[str, Any], list[Run]]] = {}
    for run in runs:
        by_settings.setdefault(canonical(run.shared), (run.shared, []))[1].append(run)
    members = [alike for _, alike in by_settings.values()]
    shared = [settings for settings, _ in by_settings.values()]
    keys = sorted({key for settings in shared for key in settings})
    differing = [key for key in keys if len({_text(settings, key) for settings in shared}) > 1]
    labelled = _telling(shared, sorted(differing, key=_label_rank)) or ["data.dataset"]
    moved = moved_defaults([(run.chosen, run.settings) for run in runs])
    groups = []
    for alike, settings in zip(members, shared, strict=True):
        kept, repeated = _one_of_each(alike)
        label = ", ".join(f"{key}={_text(settings, key)}" for key in labelled)
        mine = {key: settings.get(key) for key in differing}
        told = {key for run in alike for key in run.chosen} | moved
        identity = {key: settings[key] for key in told if key in settings}
        groups.append(Group(settings, kept, label, mine, identity, tuple(labelled), repeated))
    ranks = [_ranks([group.settings.get(key) for group in groups]) for key in labelled]
    order = sorted(range(len(groups)), key=lambda index: [rank[index] for rank in ranks])
    return [groups[index] for index in order]


def _ranks(values: Sequence[Any]) -> list[float]:
    """Return what to sort values by: numbers themselves, and places of first appearance where some are none."""
    if all(isinstance(value, int | float) for value in values):
        return [float(value) for value in values]
    texts = [json.dumps(value, sort_keys=True) for value in values]
    return [float(texts.index(text)) for text in texts]


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
