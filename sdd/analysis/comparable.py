"""Which columns of several runs can be averaged: those that were measured alike."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from sdd.analysis.reading import Run


def comparable(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """Return runs without the columns that were measured otherwise than in most of them, and which those are in words.

    Of two equally frequent ways to measure, that of the earlier run holds. A run that does not say how it measured
    a column counts as measured like any other.

    Args:
        runs: Of a group.
    """
    left_out: list[set[str]] = [set() for _ in runs]
    notes = []
    for name in dict.fromkeys(name for run in runs for name in run.columns):
        having = [(index, run) for index, run in enumerate(runs) if name in run.columns]
        ways = {index: run.columns[name] for index, run in having if run.columns[name].settings}
        texts = {index: json.dumps(dict(column.settings), sort_keys=True) for index, column in ways.items()}
        most = Counter(texts.values()).most_common(1)
        for index, column in ways.items():
            usual = next(ways[other] for other in ways if texts[other] == most[0][0])
            if not (difference := column.measured_otherwise(usual)):
                continue
            left_out[index].add(name)
            if not column.detail:
                setting, own, others = difference
                measured = f"{name} of {runs[index].name} was measured with {setting} {own}"
                notes.append(f"{measured}, and not {others} as in the others")
    return [_without(run, names) for run, names in zip(runs, left_out, strict=True)], notes


def _without(run: Run, names: set[str]) -> Run:
    if not names:
        return run
    rows = tuple({name: value for name, value in row.items() if name not in names} for row in run.rows)
    return replace(run, rows=rows, columns={name: one for name, one in run.columns.items() if name not in names})
