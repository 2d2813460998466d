"""An analysis of several runs as text of at most 100 columns."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from sdd.analysis.phases import verdict_text
from sdd.analysis.report_text import sparsity_text
from sdd.measures.columns import Column, describe
from sdd.runs.noise_text import wrong_labels

_WIDTH = 100
_COLUMNS = ("test_acc", "memorized", "distance")
_MOST_COLUMNS = 6


def level_table(analysis: Mapping[str, Any]) -> list[str]:
    """Return a line a level: mean ± standard deviation over seeds of the main measures; fractions in percent."""
    names, columns = _measures(analysis)[:_MOST_COLUMNS], _columns(analysis)
    head = f"{'level':>5}{'sparsity':>9}{'n':>2}" + "".join(f"{name:>14}" for name in names)
    lines = [head]
    for level in analysis["levels"]:
        cells = [_mean_and_spread(level.get(name), columns[name].factor) for name in names]
        lines.append(f"{level['level']:5d}{100 * level['sparsity']:8.3f}%{level['n']:2d}" + "".join(cells))
    return [line.rstrip() for line in lines]


def label_lines(analysis: Mapping[str, Any]) -> list[str]:
    """Return what the measures of the tables are, with the units in which they are shown."""
    columns = _columns(analysis)
    return _wrapped(["; ".join(f"{name}: {columns[name].title}" for name in _measures(analysis))])


def verdict_lines(analysis: Mapping[str, Any]) -> list[str]:
    """Return phases of the mean curve, depth and gain with their intervals, and the verdict."""
    return _wrapped(_verdict(analysis))


def _verdict(analysis: Mapping[str, Any]) -> list[str]:
    phases, intervals = analysis["phases"], analysis["intervals"]
    lines = []
    if phases["double_descent"]:
        edges = phases["boundaries"]
        shown = {name.replace("_", "|"): sparsity_text(value) for name, value in edges.items() if value is not None}
        lines.append("phases of the mean curve: " + ", ".join(f"{name} at {value}" for name, value in shown.items()))
    else:
        lines.append(f"double descent of the mean curve: {verdict_text(phases['double_descent'])}: {phases['reason']}")
    if intervals["depth"]["low"] is None:
        single = [run for run in analysis["runs"] if run["double_descent"]]
        lines.append(
            f"intervals need three or more seeds; single runs with a double descent: {len(single)} of "
            f"{len(analysis['runs'])}"
        )
        return lines
    confidence = f"{100 * intervals['confidence']:.0f}%"
    for name in ("depth", "gain"):
        part = intervals[name]
        low, high = (f"{100 * part[side]:+.1f}" for side in ("low", "high"))
        lines.append(f"{name}: {100 * part['estimate']:+.1f} points, {confidence} interval [{low}, {high}]")
    because = f": {intervals['reason']}" if intervals["reason"] else ""
    verdict = verdict_text(intervals["double_descent"])
    lines.append(f"double descent at {confidence}, {intervals['seeds']} seeds: {verdict}{because}")
    return lines


def noise_lines(analysis: Mapping[str, Any]) -> list[str]:
    """Return how noisy the training labels are as they were drawn; a line for each draw."""
    found = analysis["label_noise"]
    return [
        wrong_labels(noise["wrong"], noise["examples"], "training")
        + (f": {', '.join(noise['runs'])}" if len(found) > 1 else "")
        for noise in found
    ]


def correlation_lines(analysis: Mapping[str, Any]) -> list[str]:
    """Return the rank correlations of test accuracy with each measure, over levels."""
    lines = [
        "Spearman of test_acc over levels: mean over seeds, 95% interval of what further seeds would give",
        f"{'measure':<16}{'mean':>7}{'interval':>18}   each seed",
    ]
    for name, found in analysis["correlations"].items():
        pooled = found["pooled"]
        within = pooled["within"]
        if within["estimate"] is None:
            lines.append(f"{name:<16}   none")
            continue
        interval = "-" if within["low"] is None else f"[{within['low']:+.2f}, {within['high']:+.2f}]"
        each = " ".join("-" if seed["rho"] is None else f"{seed['rho']:+.2f}" for seed in found["per_seed"][:8])
        lines.append(f"{name:<16}{within['estimate']:+7.2f}{interval:>18}   {each}")
    return lines


def ticket_lines(comparison: Mapping[str, Any]) -> list[str]:
    """Return where re-initialised networks beat winning tickets under the same masks, and by how much."""
    return _wrapped(_tickets(comparison))


def _tickets(comparison: Mapping[str, Any]) -> list[str]:
    lines = [
        f"== winning tickets against re-initialised networks under the same masks, {len(comparison['pairs'])} pairs",
        "test accuracy of the re-initialised minus the winning ticket, in points, with 95% intervals",
        _difference("all pruned levels", comparison["overall"]),
    ]
    lines += [_difference(f"{name} phase", part) for name, part in comparison["phases"].items()]
    pruned = comparison["overall"]["levels"]  # the dense level has no mask, so that both sides are one network
    for name, words in (("reinit_wins", "re-initialised networks win"), ("lottery_wins", "winning tickets win")):
        found = [level for level in comparison["levels"] if level[name]]
        sure = [level for level in comparison["levels"] if level[f"{name}_holm"]]
        where = _levels(found)
        lines.append(
            f"{words} at {len(found)} of {pruned} pruned levels{where}; {len(sure)} with Holm's correction"
            + _levels(sure)
        )
    return lines + [f"note: {note}" for note in comparison["notes"]]


def _wrapped(lines: Sequence[str]) -> list[str]:
    """Break lines of more than 100 columns between words."""
    return [
        part for line in lines for part in textwrap.wrap(line, _WIDTH, subsequent_indent="    ", drop_whitespace=True)
    ]


def _columns(analysis: Mapping[str, Any]) -> dict[str, Column]:
    """Return the columns of the measures of the tables, by name."""
    known = {name: Column.from_dict(content) for name, content in analysis["columns"].items()}
    return {name: describe(name, known) for name in _measures(analysis)}


def _measures(analysis: Mapping[str, Any]) -> list[str]:
    """Return the main measures and all that are correlated with test accuracy."""
    return list(dict.fromkeys((*_COLUMNS, *analysis["correlations"])))


def _levels(found: Sequence[Mapping[str, Any]]) -> str:
    return f" ({', '.join(str(level['level']) for level in found)})" if found else ""


def _difference(name: str, part: Mapping[str, Any]) -> str:
    if part["mean"] is None:
        return f"  {name:<18} none"
    interval = "" if part["low"] is None else f" [{100 * part['low']:+.1f}, {100 * part['high']:+.1f}]"
    return f"  {name:<18} {100 * part['mean']:+.1f}{interval}, {part['levels']} levels"


def _mean_and_spread(cell: Mapping[str, Any] | None, factor: float) -> str:
    if cell is None or cell["mean"] is None:
        return f"{'-':>14}"
    spread = "" if cell["sd"] is None else f"±{_short(factor * cell['sd'])}"
    return f"{_short(factor * cell['mean']) + spread:>14}"


def _short(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.1g}"
