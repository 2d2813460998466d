"""Curves of one-shot pruning: runs that prune one dense network to one sparsity each, joined to one curve."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sdd.analysis.columns import merged
from sdd.analysis.curve import Row
from sdd.analysis.reading import Run
from sdd.runs.settings import MASKS_FROM, SPARSITIES, canonical

ONE_SHOT = "one-shot"

# Not used where sparsities are given.
_UNUSED = ("pruning.levels", "pruning.fraction")

_DIGEST = re.compile(r"-[0-9a-f]{8}$")
_SHOWN = 3


def join_one_shot(runs: Sequence[Run]) -> list[Run]:
    """Join runs that differ only in the one sparsity that each prunes to, seed by seed.

    Such runs share their dense network: the joined curve has its row once, as level 0, and each run's level 1 by
    rising sparsity. Levels are numbered by all sparsities that runs of any seed have with these settings, so that
    a level is the same sparsity in every seed; a sparsity that a seed lacks is a level that its curve lacks. The
    setting `pruning.sparsities` of a joined curve is `one-shot`, so that curves of all seeds are one group.

    Dense rows must agree in every bit, `seconds` aside. Runs of a seed whose dense rows differ do not come from
    one dense network: they make several curves, each of whose `problem` says so. So do copies of a run.

    A run of the dense network alone, as `pruning.dense_from` leaves it, is a part of the curve that it belongs to.

    Args:
        runs: In any order.

    Returns:
        Joined curves, each in the place of its first part, and all other runs as they are. A curve is finished
        when all its parts are and it lacks no sparsity.
    """
    families: dict[str, list[Run]] = {}
    for run in runs:
        if _prunes_once(run):
            families.setdefault(_family(run), []).append(run)
    curves = [curve for members in families.values() for curve in _curves(members)]
    curves = _with_dense_runs(curves, runs)
    by_part = {part.path: curve for curve in curves for part in curve.parts}
    joined = [by_part.get(run.path, run) for run in runs]
    return list({run.path: run for run in joined}.values())


def part_levels(run: Run) -> list[tuple[Run, dict[int, int]]]:
    """Return the folders' runs behind a curve, with the levels that each gives it.

    Args:
        run: A run, which stands for itself, or a joined curve.

    Returns:
        Each part and, by its own levels, the levels of the curve. The dense level is given by the first part.
    """
    if not run.parts:
        return [(run, {int(row["level"]): int(row["level"]) for row in run.rows})]
    pruned = [part for part in run.parts if len(part.rows) > 1]
    levels = {part.path: int(row["level"]) for part, row in zip(pruned, run.rows[1:], strict=True)}
    found = [(part, {1: levels[part.path]} if part.path in levels else {}) for part in run.parts]
    found[0][1][0] = 0
    return found


def _prunes_once(run: Run) -> bool:
    """Tell whether a run goes from the dense network straight to one sparsity, and stays there."""
    given = run.settings.get(SPARSITIES)
    levels = [row["level"] for row in run.rows]
    return run.seed is not None and isinstance(given, list) and len(given) == 1 and levels in ([0], [0, 1])


def _sparsity(run: Run) -> float:
    """Return the one sparsity that a run prunes to."""
    return float(run.settings[SPARSITIES][0])


def _family(run: Run) -> str:
    """Return what the runs of all seeds and sparsities share."""
    return canonical({key: value for key, value in run.shared.items() if key not in (SPARSITIES, *_UNUSED)})


def _curves(members: Sequence[Run]) -> list[Run]:
    """Return the curves of a family's runs of all seeds; none where no seed has two sparsities."""
    seeds: dict[tuple[object, object], list[Run]] = {}
    for run in members:
        seeds.setdefault((run.seed, run.settings.get(MASKS_FROM)), []).append(run)
    if all(len({_sparsity(run) for run in runs}) < 2 for runs in seeds.values()):
        return []
    levels = {sparsity: number for number, sparsity in enumerate(sorted({_sparsity(run) for run in members}), start=1)}
    unused = {key: members[0].settings[key] for key in _UNUSED if key in members[0].settings}
    return [
        _joined(parts, levels, unused, copy, [other for other in runs if other not in parts])
        for runs in seeds.values()
        for copy, parts in _of_one_network(runs)
    ]


def _of_one_network(runs: Sequence[Run]) -> list[tuple[int, list[Run]]]:
    """Return a seed's runs by dense network and, of copies, with a number; each by sparsity and none twice."""
    found: dict[tuple[str, int], dict[float, Run]] = {}
    for run in sorted(runs, key=lambda run: (not run.finished, -len(run.rows))):
        sparsity, copy, network = _sparsity(run), 0, _dense_network(run)
        while sparsity in found.get((network, copy), {}):
            copy += 1
        found.setdefault((network, copy), {})[sparsity] = run
    return [(copy, [parts[sparsity] for sparsity in sorted(parts)]) for (_, copy), parts in found.items()]


def _dense_network(run: Run) -> str:
    """Return every measure of the dense level to the last bit; its time is not one."""
    return json.dumps(sorted((name, value) for name, value in run.rows[0].items() if name != "seconds"))


def _joined(
    parts: Sequence[Run], levels: Mapping[float, int], unused: Mapping[str, object], copy: int, others: Sequence[Run]
) -> Run:
    """Return one curve.

    Args:
        parts: By sparsity.
        levels: Of all sparsities of the family.
        unused: Values for the settings that are not used.
        copy: 0, or the number of the copy.
        others: Further runs of the seed, which are not in this curve.
    """
    settings = {**parts[0].settings, **unused, SPARSITIES: ONE_SHOT}
    chosen = {key: value for key, value in parts[0].chosen.items() if key not in _UNUSED} | {SPARSITIES: ONE_SHOT}
    by_sparsity = {_sparsity(part): part for part in parts}
    rows: list[Row] = [parts[0].rows[0]]
    rows += [part.rows[1] | {"level": levels[sparsity]} for sparsity, part in by_sparsity.items() if len(part.rows) > 1]
    lacking = [
        f"{sparsity:g} ({_why(by_sparsity.get(sparsity))})"
        for sparsity in levels
        if not _has_level(by_sparsity.get(sparsity))
    ]
    unfinished = [part for part in parts if len(part.rows) > 1 and (part.problem or not part.finished)]
    problems = []
    if lacking:
        problems.append(f"unfinished, with {len(rows) - 1} of its {len(levels)} sparsities: it lacks {_some(lacking)}")
    if unfinished:
        problems.append(f"unfinished: {_some([_why(part) for part in unfinished])}")
    if apart := [other for other in others if _dense_network(other) != _dense_network(parts[0])]:
        problems.append(
            f"not joined with {_some([other.name for other in apart])} of the same seed, whose dense network is "
            f"another ({_difference(parts[0].rows[0], apart[0].rows[0])})"
        )
    exact = hashlib.sha256(json.dumps([settings, _dense_network(parts[0]), copy], sort_keys=True).encode()).hexdigest()
    stems = {_DIGEST.sub("", part.name) for part in parts}
    name = f"{stems.pop() if len(stems) == 1 else f's{parts[0].seed}'}-{ONE_SHOT}-{exact[:8]}"
    finished = not lacking and all(part.finished for part in parts)
    path = parts[0].path.parent / name
    problem = "; ".join(problems) or None
    return Run(
        path,
        name,
        settings,
        chosen,
        tuple(rows),
        finished,
        problem,
        parts=tuple(parts),
        columns=merged(part.columns for part in parts),
        labels=parts[0].labels,
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _with_dense_runs(curves: Sequence[Run], runs: Sequence[Run]) -> list[Run]:
    """Return the curves, each with the runs of its dense network alone as first parts."""
    alone: dict[tuple[int | None, str, str], list[Run]] = {}
    for run in runs:
        if run.settings.get("pruning.levels") == 0 and run.settings.get(SPARSITIES) is None and len(run.rows) == 1:
            alone.setdefault(_dense_part(run), []).append(run)
    return [replace(curve, parts=(*alone.get(_dense_part(curve.parts[0]), []), *curve.parts)) for curve in curves]


def _dense_part(run: Run) -> tuple[int | None, str, str]:
    """Return what is the same for the dense network of a run and for one that was trained alone."""
    kept = {key: value for key, value in run.shared.items() if not key.startswith("pruning.")}
    return run.seed, canonical(kept), _dense_network(run)


def _has_level(part: Run | None) -> bool:
    return part is not None and len(part.rows) > 1


def _why(part: Run | None) -> str:
    """Return what is wrong with a part, in words."""
    return "no run" if part is None else f"{part.name} is {part.problem or 'unfinished'}"


def _difference(here: Row, there: Row) -> str:
    """Return the first measure in which two dense rows differ."""
    name = next(name for name in (*here, *there) if name != "seconds" and repr(here.get(name)) != repr(there.get(name)))
    return f"{name} is {here.get(name)} here and {there.get(name)} there"


def _some(names: Sequence[str]) -> str:
    """Return the first few of several texts, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
