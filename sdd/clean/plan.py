"""What can be freed of runs: which files go or shrink, and why runs are left as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sdd.errors import UserError
from sdd.places import place_of, resolved
from sdd.runs.finding import is_run
from sdd.runs.folder import RunFolder
from sdd.runs.prerequisites import AUTO
from sdd.runs.settings import DISTILL_FROM, MASKS_FROM, SEED
from sdd.yaml_files import read_yaml

Keep = Literal["all", "half", "masks", "none"]
"""What stays of the levels: weights and masks, weights in 16 bits and masks, masks alone, nothing."""


@dataclass(frozen=True)
class Freed:
    """What is freed of a run.

    Attributes:
        folder: The run's.
        removed: Files that go.
        shrunk: Files of levels that keep their masks alone, or weights in 16 bits.
        reason: Why nothing is freed, in words; empty where something may be.
    """

    folder: RunFolder
    removed: tuple[Path, ...] = ()
    shrunk: tuple[Path, ...] = ()
    reason: str = ""


def freed_of(runs: Sequence[RunFolder], keep: Keep, *, sources: bool) -> list[Freed]:
    """Return what can be freed of each run.

    Args:
        runs: The runs.
        keep: What stays of the levels.
        sources: Whether runs that others build on are freed too.

    Raises:
        UserError: What a run builds on cannot be found out.
    """
    beside = runs_beside(runs)
    return [_freed(run, keep, beside, sources=sources) for run in runs]


def runs_beside(runs: Sequence[RunFolder]) -> list[RunFolder]:
    """Return the runs, and those in the folders that they lie in."""
    places = {resolved(run.path).parent for run in runs}
    found = {resolved(part): RunFolder(part) for place in places for part in place.iterdir() if is_run(part)}
    return list(({resolved(run.path): run for run in runs} | found).values())


def builds_on(run: RunFolder, other: RunFolder) -> str | None:
    """Return the setting by which a run builds on another one, or may do so; None: it does not.

    Args:
        run: Of any state; what cannot be read of it names nothing.
        other: The other one.

    Raises:
        UserError: A path that it names cannot be expanded here.
    """
    place = resolved(other.path)
    if resolved(run.path) == place:
        return None
    values = _values(run)
    for setting in (MASKS_FROM, DISTILL_FROM, "pruning.dense_from"):
        named = values.get(setting)
        if not isinstance(named, str):
            continue
        if named == AUTO:  # it is found, or trained, beside the run
            same_seed = values.get(SEED) == _values(other).get(SEED)
            if same_seed and resolved(run.path).parent == place.parent and not _builds(other):
                return setting
        elif _may_be(place_of(named, f"{setting} of {run.path}", int(values.get(SEED, 0))), place):
            return setting
    return None


def _may_be(named: Path, place: Path) -> bool:
    """Tell whether a path names a folder, or would where the run that named it was started: another place perhaps."""
    parts = [part for part in named.parts if part not in {".", ".."}]
    return resolved(named) == place or (not named.is_absolute() and [*place.parts[-len(parts) :]] == parts)


def _freed(run: RunFolder, keep: Keep, beside: Sequence[RunFolder], *, sources: bool) -> Freed:
    state = run.state()
    if state.name != "finished":
        return Freed(run, reason=f"left as it is: {state.reason}")
    for other in beside if not sources else ():
        setting = builds_on(other, run)
        if setting is not None:
            return Freed(run, reason=f"left as it is: {other.path} may build on it ({setting}); --sources frees it too")
    levels = [run.level_checkpoint(level) for level in run.stored_levels()]
    gone = levels if keep == "none" else []
    return Freed(run, (*run.checkpoints(), *gone), tuple(levels) if keep in {"half", "masks"} else ())


def _builds(run: RunFolder) -> bool:
    """Tell whether a run takes masks of another one or learns from it, so that it is no source that `auto` finds."""
    values = _values(run)
    return values.get(MASKS_FROM) is not None or values.get(DISTILL_FROM) is not None


def _values(run: RunFolder) -> Mapping[str, Any]:
    """Return a run's settings, with the source of its dense network, which decides no numbers."""
    try:
        held = run.settings()
    except UserError:
        return {}
    if held is None:
        return {}
    try:
        dense = read_yaml(run.config)["pruning"]["dense_from"]
    except (UserError, KeyError, TypeError):
        dense = None
    return {**held.values, "pruning.dense_from": dense}
