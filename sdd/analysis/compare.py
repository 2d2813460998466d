"""Statistics of a group of runs over its seeds, as a dictionary that JSON can hold."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sdd.analysis.columns import correlated, merged
from sdd.analysis.comparable import comparable
from sdd.analysis.correlation import pool
from sdd.analysis.grouping import Group
from sdd.analysis.label_noise import label_noise
from sdd.analysis.over_seeds import pooled_phase_correlations, pooled_turning_points
from sdd.analysis.phases import Phases, find_phases
from sdd.analysis.reading import Run
from sdd.analysis.statistics import bootstrap_phases
from sdd.analysis.summary import finite
from sdd.measures.columns import Column

Floats = NDArray[np.float64]


def analyse_group(group: Group, *, confidence: float = 0.95) -> dict[str, Any]:
    """Return statistics of a group over its seeds; every number is finite or None.

    The table takes each level over the runs that have it. Phases, intervals and pooled correlations take a
    complete block of runs and levels, so that no mean jumps where a run ends: `complete_block`.

    Args:
        group: Runs that differ only in their seed.
        confidence: Of all intervals, in (0, 1).

    Returns:
        `label`, `settings`, `differing`, `runs` (each with its own verdict, trough and peak), `label_noise` as drawn,
        `levels` (`level`, `sparsity`, `n` and for each measure `mean`, `sd`, the standard deviation over seeds, and
        `n`), `phases` of the mean curve, `intervals` of depth, gain and recovery with the verdict, `correlations` of
        test accuracy with each measure, `per_seed`, `pooled` and within `phases`, `turning_point` of the learning
        distance, of each run and over seeds, `columns` by name as `Column.as_dict` gives them, and `notes` in words.
    """
    members, otherwise = comparable(group.runs)
    noise = label_noise(members)
    columns = merged(run.columns for run in members)
    measures = correlated(columns)
    runs, levels = complete_block(members)
    accuracy = table(runs, levels, "test_acc")
    sparsities = list(_mean(table(runs, levels, "sparsity")))
    notes = [f"{difference}: left out of its mean and correlation" for difference in otherwise]
    notes += [f"{run.name} is {run.problem}" for run in members if run.problem]
    notes += [f"{run.name} is left out: it repeats the settings and the seed of another run" for run in group.repeated]
    notes += [
        f"{run.name} is in the table, but too short for phases, intervals and pooled correlations"
        for run in members
        if run not in runs
    ]
    if len(levels) < max(len(run.rows) for run in runs):
        notes.append(f"phases, intervals and pooled correlations use the {len(levels)} levels that all their runs have")
    if len(runs) < 3:
        notes.append("intervals of depth and gain need three or more seeds" + ("" if len(runs) > 1 else ", others two"))
    notes += [note for run in members for note in run.notes]
    seeds = bootstrap_phases(accuracy, sparsities, confidence=confidence)
    turning = pooled_turning_points(runs, confidence=confidence)
    within = pooled_phase_correlations(runs, measures, confidence=confidence)
    found: dict[str, Any] = finite(
        {
            "label": group.label,
            "settings": dict(group.settings),
            "differing": dict(group.differing),
            "reinitialised": group.reinitialised,
            "runs": [_run_entry(run) for run in members],
            "label_noise": noise,
            "columns": {name: found.as_dict() for name, found in columns.items()},
            "levels": _level_table(members, columns),
            "phases": asdict(mean_phases(sparsities, accuracy))
            | {"levels": levels, "runs": [run.name for run in runs]},
            "intervals": asdict(seeds),
            "correlations": {
                name: found | {"phases": within[name]}
                for name, found in _correlations(members, runs, levels, measures, confidence).items()
            },
            "turning_point": turning,
            "notes": notes,
        }
    )
    return found


def complete_block(runs: Sequence[Run]) -> tuple[list[Run], list[int]]:
    """Return the runs and levels, without a gap in test accuracy, that hold the most values together.

    Of k runs the longest are taken, for each k, with the levels that all of them have; a block must hold the
    dense level if any run does. Of blocks of one size the one with more runs is taken.
    """
    held = [{int(row["level"]) for row in run.rows if math.isfinite(row.get("test_acc", math.nan))} for run in runs]
    order = sorted(range(len(runs)), key=lambda index: (0 not in held[index], -len(held[index]), index))
    best: tuple[list[int], set[int]] = (order[:1], held[order[0]])
    for count in range(2, len(order) + 1):
        shared = set.intersection(*(held[index] for index in order[:count]))
        if (0 in shared or 0 not in best[1]) and count * len(shared) >= len(best[0]) * len(best[1]):
            best = order[:count], shared
    return [runs[index] for index in sorted(best[0])], sorted(best[1])


def table(runs: Sequence[Run], levels: Sequence[int], name: str) -> Floats:
    """Return one measure of several runs, [runs, levels], NaN where a run lacks it."""
    values = np.full((len(runs), len(levels)), math.nan)
    for index, run in enumerate(runs):
        by_level = {int(row["level"]): row for row in run.rows}
        values[index] = [by_level.get(level, {}).get(name, math.nan) for level in levels]
    return values


def mean_phases(sparsity: ArrayLike, test_acc: ArrayLike) -> Phases:
    """Find the phases of the mean curve over seeds.

    Its noise is that of the seeds: at each level the larger of the level's own variance over seeds and of the usual
    one, each seed's own mean taken off, divided by the number of seeds. The usual one is the median over levels,
    over the median of χ² with seeds − 1 degrees of freedom; the level's own is larger where one training failed, and
    on the flanks of the peak, where a shift by a level is many points.

    Args:
        sparsity: [levels].
        test_acc: [seeds, levels], without NaN.
    """
    curves = np.atleast_2d(np.asarray(test_acc, float))
    mean = _mean(curves)
    if len(curves) < 2:
        return find_phases(sparsity, mean)
    centred = curves - curves.mean(axis=1, keepdims=True)
    freedom = len(curves) - 1
    squares = ((centred - centred.mean(axis=0)) ** 2).sum(axis=0)
    usual = float(np.median(squares)) / stats.chi2.median(freedom) if squares.size else math.nan
    noise = np.sqrt(np.maximum(usual, squares / freedom) / len(curves))
    return find_phases(sparsity, mean, noise=(1 + 4 / (freedom * max(1, mean.size))) * noise)


def _mean(values: Floats) -> Floats:
    """Return the mean over seeds of what is there, [levels]; NaN where nothing is."""
    count = np.isfinite(values).sum(axis=0)
    total = np.where(np.isfinite(values), values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), math.nan)


def _run_entry(run: Run) -> dict[str, Any]:
    phases = run.phases
    places = {
        name: None if index is None else run.rows[index]["sparsity"]
        for name, index in (("trough_sparsity", phases.trough), ("peak_sparsity", phases.peak))
    }
    return {
        "name": run.name,
        "path": str(run.path),
        "seed": run.seed,
        "finished": run.finished,
        "problem": run.problem,
        "levels": len(run.rows),
        "double_descent": phases.double_descent,
        "depth": phases.depth,
        "gain": phases.gain,
    } | places


def _level_table(runs: Sequence[Run], columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """Return mean, standard deviation and count of each measure at each level that any run has."""
    rows = [row for run in runs for row in run.rows]
    levels = sorted({int(row["level"]) for row in rows})
    names = [name for name in columns if name not in ("level", "sparsity", "seconds")]
    sparsities = _mean(table(runs, levels, "sparsity"))
    lines: list[dict[str, Any]] = [
        {
            "level": level,
            "sparsity": float(sparsity),
            "n": sum(any(row["level"] == level for row in run.rows) for run in runs),
        }
        for level, sparsity in zip(levels, sparsities, strict=True)
    ]
    for name in names:
        values = table(runs, levels, name)
        for line, mean, cells in zip(lines, _mean(values), values.T, strict=True):
            present = cells[np.isfinite(cells)]
            spread = float(present.std(ddof=1)) if present.size > 1 else None
            line[name] = {"mean": float(mean), "sd": spread, "n": int(present.size)}
    return lines


def _correlations(
    runs: Sequence[Run], block: Sequence[Run], levels: Sequence[int], names: Sequence[str], confidence: float
) -> dict[str, Any]:
    """Return the correlations of test accuracy with each measure: of each run, and of those of a block together."""
    found = {}
    accuracy = table(block, levels, "test_acc")
    for name in names:
        values = table(block, levels, name)
        per_seed = [
            {"name": run.name, "seed": run.seed} | run.summary["spearman"].get(name, {"rho": None, "n": 0})
            for run in runs
        ]
        pooled = asdict(pool(list(accuracy), list(values), confidence=confidence))
        found[name] = {"per_seed": per_seed, "pooled": pooled}
    return found
