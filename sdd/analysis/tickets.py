"""Winning tickets against networks re-initialised under the same masks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sdd.analysis.correlation import t_interval
from sdd.analysis.grouping import Group
from sdd.analysis.phases import PHASES, find_phases
from sdd.analysis.reading import Run
from sdd.analysis.summary import finite
from sdd.places import resolved
from sdd.runs.prerequisites import TICKETS
from sdd.runs.settings import MASKS_FROM, differing

Floats = NDArray[np.float64]

# Settings that may differ between a run and the run that it takes masks from: what decides the last bits, and what
# decides masks or how to go on from them, which is unused where the masks are given.
_MAY_DIFFER = (
    "threads",
    "matmul_precision",
    "data.memory_format",
    "model.compile",
    "pruning.arithmetic",
    "model.compile_args",
    "pruning.masks_from",
    "pruning.retrain",
    "pruning.rewind_steps",
    "pruning.finetune_lr",
    "pruning.criterion",
    "pruning.schedule",
    "pruning.scope",
    "pruning.fraction",
    "pruning.levels",
    "pruning.sparsities",
)

_SAME_SPARSITY = 1e-9


def find_partner(reinit: Group, groups: Sequence[Group]) -> tuple[Group | None, str]:
    """Find the winning tickets that a re-initialised group is to be compared with.

    They retrain with `lottery`, and agree in every setting but those that decide masks. Of several such groups, it
    is the one with the runs that the masks came from, else the one with the fewest differences.

    Returns:
        The group, or None; and why there is none, in words.
    """
    candidates = [
        group
        for group in groups
        if not (group.reinitialised or group.shuffled)
        and group.settings.get("pruning.retrain") == TICKETS["retrain"]
        and not any(map(_matters, differing(group.settings, reinit.settings)))
    ]
    named = [group for group in candidates if any(_source(run, group) is not None for run in reinit.runs)]
    by_difference = sorted(named or candidates, key=lambda group: _differences(group, reinit))
    if not by_difference:
        return None, "no lottery run with the same data, network, optimizer and epochs is among the runs"
    if len(by_difference) > 1 and _differences(by_difference[0], reinit) == _differences(by_difference[1], reinit):
        return None, "several lottery groups fit it equally well; give the runs that its masks come from"
    return by_difference[0], ""


def ticket_comparison(reinit: Group, groups: Sequence[Group]) -> tuple[dict[str, Any] | None, str]:
    """Compare a re-initialised group with its winning tickets, where they are among the groups.

    Returns:
        What `pair_groups` returns, every number finite or None; or None and why, in words.
    """
    partner, reason = find_partner(reinit, groups)
    return (None, reason) if partner is None else (finite(pair_groups(partner, reinit)), "")


def pair_groups(lottery: Group, reinit: Group, *, confidence: float = 0.95) -> dict[str, Any]:
    """Compare the two at each level, pair by pair: test accuracy of the re-initialised minus the winning ticket.

    A re-initialised run is paired with the run that its masks come from, or else with that of its seed. Several
    on one winning ticket are averaged first: the pairs, not the networks, are independent. Intervals are
    Student's t over pairs. They cover what further training seeds would give on the same data with the same
    noisy labels. Among many levels some interval excludes zero by chance, so each level also has a p-value
    with Holm's correction over all pruned levels (Holm 1979); the dense level is not in this family and cannot
    win: it has no mask, so that the two sides are one network.

    For the mean difference of a phase, phases are found in the mean of all curves of both sides. The lowest
    level of the winning tickets' own curve is low partly by chance, and there the other side would seem to win;
    the mean of both sides favours neither where they do not differ.

    Args:
        lottery: Winning tickets.
        reinit: The same masks from fresh weights.
        confidence: Of the intervals, and the family's, in (0, 1).

    Returns:
        `pairs`, `levels` (`mean`, `low`, `high`, `p_value`, `p_holm`, `n`, `reinit_wins`, `lottery_wins` for an
        interval that excludes zero, and the same with `_holm`), `phases` and `overall` (over pruned levels), and
        `notes`; numbers may be NaN.
    """
    pairs, notes = _pairs(lottery, reinit)
    levels = sorted({int(row["level"]) for _, runs in pairs for run in runs for row in run.rows})
    differences, sums, sparsities, moved = _differences_by_level(pairs, levels)
    if moved:
        notes.append(f"levels {', '.join(map(str, sorted(moved)))} have different sparsities in a pair: left out there")
    if len(pairs) == 1:
        notes.append("one pair: intervals need two or more")
    kept: NDArray[np.bool_] = np.any(np.isfinite(differences), axis=0)
    differences, sums, sparsities = differences[:, kept], sums[:, kept], sparsities[kept]
    levels = [level for level, keep in zip(levels, kept, strict=True) if keep]

    mean_sum, mean_difference = np.nanmean(sums, axis=0), np.nanmean(differences, axis=0)
    phases = find_phases(sparsities, mean_sum / 2)
    pruned = sparsities > 0
    p_values = np.array([_p_value(values) for values in differences.T])
    p_holm = np.full(len(levels), math.nan)
    p_holm[pruned] = holm(p_values[pruned])
    table = []
    for index, level in enumerate(levels):
        interval = _interval(differences[:, index], confidence)
        certain = bool(p_holm[index] <= 1 - confidence)
        table.append(
            {"level": level, "sparsity": float(sparsities[index]), "phase": phases.names[index]}
            | interval
            | {
                "lottery_test_acc": float(mean_sum[index] - mean_difference[index]) / 2,
                "reinit_test_acc": float(mean_sum[index] + mean_difference[index]) / 2,
                "p_value": float(p_values[index]),
                "p_holm": float(p_holm[index]),
                "reinit_wins": bool(pruned[index] and interval["low"] > 0),
                "lottery_wins": bool(pruned[index] and interval["high"] < 0),
                "reinit_wins_holm": certain and interval["mean"] > 0,
                "lottery_wins_holm": certain and interval["mean"] < 0,
            }
        )
    inside = {name: pruned & np.array([phase == name for phase in phases.names], bool) for name in PHASES}
    return {
        "lottery": lottery.label,
        "reinit": reinit.label,
        "confidence": confidence,
        "pairs": [{"lottery": run.name, "reinit": [other.name for other in others]} for run, others in pairs],
        "levels": table,
        "overall": _over(differences, pruned, confidence),
        "phases": {name: _over(differences, where, confidence) for name, where in inside.items() if where.any()},
        "boundaries": asdict(phases.boundaries) if phases.boundaries else None,
        "no_phases": phases.reason,
        "notes": notes,
    }


def holm(p_values: ArrayLike) -> Floats:
    """Return p-values with Holm's step-down correction, [n]; NaN stays and is not counted.

    Args:
        p_values: In [0, 1], [n].
    """
    values = np.asarray(p_values, float).ravel()
    adjusted = np.full(values.shape, math.nan)
    present = np.flatnonzero(np.isfinite(values))
    order = present[np.argsort(values[present], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * values[order]))
    return adjusted


def _matters(key: str) -> bool:
    return not key.startswith(_MAY_DIFFER)


def _differences(group: Group, reinit: Group) -> int:
    return len(differing(group.settings, reinit.settings))


def _source(run: Run, lottery: Group) -> Run | None:
    """Return the run that a run's masks come from, told by its folder, else by the folder's name."""
    given = Path(str(run.settings.get(MASKS_FROM)).replace("{seed}", str(run.seed)))
    by_path = [other for other in lottery.runs if resolved(other.path) == resolved(given)]
    return next(iter(by_path or [other for other in lottery.runs if other.name == given.name]), None)


def _pairs(lottery: Group, reinit: Group) -> tuple[list[tuple[Run, list[Run]]], list[str]]:
    """Return each winning ticket with the runs of its masks, and what is left out."""
    by_seed = {run.seed: run for run in lottery.runs}
    found: dict[Path, tuple[Run, list[Run]]] = {}
    alone = []
    for run in reinit.runs:
        partner = _source(run, lottery) or (by_seed.get(run.seed) if run.seed is not None else None)
        if partner is None:
            alone.append(run.name)
        else:
            found.setdefault(partner.path, (partner, []))[1].append(run)
    alone += [run.name for run in lottery.runs if run.path not in found]
    return list(found.values()), [f"without a partner: {', '.join(alone)}"] if alone else []


def _differences_by_level(
    pairs: Sequence[tuple[Run, Sequence[Run]]], levels: Sequence[int]
) -> tuple[Floats, Floats, Floats, set[int]]:
    """Return differences and sums of accuracies, each [pairs, levels], sparsities [levels], and levels left out."""
    differences, sums = np.full((2, len(pairs), len(levels)), math.nan)
    sparsities = np.full(len(levels), math.nan)
    moved: set[int] = set()
    for row, (partner, runs) in enumerate(pairs):
        tickets = {int(line["level"]): line for line in partner.rows}
        others: list[Mapping[int, Mapping[str, float | int]]] = [
            {int(line["level"]): line for line in run.rows} for run in runs
        ]
        for index, level in enumerate(levels):
            ticket, here = tickets.get(level), [lines[level] for lines in others if level in lines]
            if ticket is None or not here:
                continue
            if any(abs(line["sparsity"] - ticket["sparsity"]) > _SAME_SPARSITY for line in here):
                moved.add(level)
                continue
            sparsities[index] = ticket["sparsity"]
            fresh = float(np.mean([line.get("test_acc", math.nan) for line in here]))
            old = float(ticket.get("test_acc", math.nan))
            differences[row, index], sums[row, index] = fresh - old, fresh + old
    return differences, sums, sparsities, moved


def _interval(values: Floats, confidence: float) -> dict[str, Any]:
    present = values[np.isfinite(values)]
    interval = t_interval(present, confidence)
    return {"mean": interval.estimate, "low": interval.low, "high": interval.high, "n": int(present.size)}


def _over(differences: Floats, where: NDArray[np.bool_], confidence: float) -> dict[str, Any]:
    """Return the mean over some levels, with its interval over the pairs that have all of these levels."""
    whole = differences[:, where][np.isfinite(differences[:, where]).all(axis=1)]
    return _interval(whole.mean(axis=1) if where.any() else np.array([]), confidence) | {"levels": int(where.sum())}


def _p_value(values: Floats) -> float:
    """Return the two-sided p-value of Student's t test that the mean is zero; NaN for fewer than two values."""
    present = values[np.isfinite(values)]
    if present.size < 2:
        return math.nan
    spread, mean = float(present.std(ddof=1)), float(present.mean())
    if spread == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stats.t.sf(abs(mean) / spread * math.sqrt(present.size), present.size - 1))
