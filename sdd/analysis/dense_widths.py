"""Dense networks that differ in one setting, such as their widths, joined to a curve over their numbers of weights."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sdd.analysis.grouping import Group
from sdd.analysis.reading import Run
from sdd.errors import UserError
from sdd.runs.settings import canonical

JOINED = "several"
"""What the setting of a joined curve says."""


def join_along(groups: Sequence[Group], setting: str) -> list[Group]:
    """Join groups of dense networks that differ only in one setting to one group each.

    Each run of a joined group is the curve of a seed: a row for each network, numbered by falling `remaining`.
    Groups of runs with pruned levels stay as they are.

    Args:
        groups: Of runs; those to join have the dense level alone (`pruning.levels 0`).
        setting: In which they differ, such as `model.net.init_args.widths`.

    Raises:
        UserError: No two groups can be joined so.
    """
    families: dict[str, list[Group]] = {}
    for group in groups:
        if setting in group.settings and all(len(run.rows) == 1 for run in group.runs):
            rest = {key: value for key, value in group.settings.items() if key != setting}
            families.setdefault(canonical(rest), []).append(group)
    joined = {id(members[0]): _joined(members, setting) for members in families.values() if len(members) > 1}
    if not joined:
        raise UserError(
            f"along {setting} joins nothing: it takes dense networks (pruning.levels 0) that differ in it alone"
        )
    left_out = {id(group) for members in families.values() if len(members) > 1 for group in members[1:]}
    return [joined.get(id(group), group) for group in groups if id(group) not in left_out]


def _joined(members: Sequence[Group], setting: str) -> Group:
    order = sorted(members, key=lambda group: -group.runs[0].rows[0]["remaining"])
    by_seed: dict[Any, list[tuple[int, Run]]] = {}
    for place, group in enumerate(order):
        for run in group.runs:
            by_seed.setdefault(run.seed, []).append((place, run))
    runs = []
    for parts in by_seed.values():
        first = parts[0][1]
        rows = tuple({**run.rows[0], "level": place} for place, run in parts)
        settings = {**first.settings, setting: JOINED}
        runs.append(replace(first, rows=rows, settings=settings, parts=tuple(run for _, run in parts)))
    return replace(
        order[0],
        settings={**order[0].settings, setting: JOINED},
        differing={**order[0].differing, setting: JOINED},
        runs=tuple(runs),
        repeated=tuple(run for group in order for run in group.repeated),
    )
