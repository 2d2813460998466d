"""An analysis of several runs as text of at most 100 columns."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from sdd.analysis.phase_correlations import STRETCHES
from sdd.analysis.report_text import sparsity_text
from sdd.analysis.verdict_text import verdict_text
from sdd.measures.columns import Column, describe
from sdd.messages import counted
from sdd.runs.noise_text import wrong_labels

_WIDTH = 100
_COLUMNS = ("test_acc", "memorized", "distance")
_STRETCH = 24


def level_table(analysis: Mapping[str, Any]) -> list[str]:
    """Return a line a level: mean ± standard deviation over seeds of the measures that fit; fractions in percent."""
    columns = _columns(analysis)
    head, names = f"{'level':>5}{'sparsity':>9}{'n':>2}", []
    for name in sorted(columns, key=lambda name: not columns[name].shown):
        if len(head) + _cell_width(name) <= _WIDTH:
            head += f"{name:>{_cell_width(name)}}"
            names.append(name)
    lines = [head]
    for level in analysis["levels"]:
        cells = [_mean_and_spread(level.get(name), columns[name].factor).rjust(_cell_width(name)) for name in names]
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
            "intervals of depth and gain need three or more seeds; single runs with a double descent: "
            f"{len(single)} of {len(analysis['runs'])}"
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
    """Return the rank correlations of test accuracy with each measure, over all levels and within phases."""
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
        interval = _interval(within) or "-"
        each = " ".join("-" if seed["rho"] is None else f"{seed['rho']:+.2f}" for seed in found["per_seed"][:8])
        lines.append(f"{name:<16}{within['estimate']:+7.2f}{interval:>18}   {each}")
    return [*lines, *_phase_lines(analysis["correlations"])]


def _phase_lines(correlations: Mapping[str, Any]) -> list[str]:
    """Return the correlations within phases, each seed's within those of its own curve."""
    if not any(found["phases"] for found in correlations.values()):
        return []
    heads = "".join(f"{words:>{_STRETCH}}  n" for words in STRETCHES.values())
    lines = [
        "within phases, each seed between its own dense level, trough and peak; n: seeds",
        f"{'measure':<16}{heads}",
    ]
    for name, found in correlations.items():
        cells = [found["phases"].get(stretch) for stretch in STRETCHES]
        lines.append(f"{name:<16}" + "".join(map(_stretch, cells)))
    return lines


def _stretch(found: Mapping[str, Any] | None) -> str:
    """Return a mean correlation within a phase, its interval, and the number of seeds that have one."""
    if found is None or found["pooled"]["within"]["estimate"] is None:
        return f"{'none':>{_STRETCH}}{0:>3}"
    within = found["pooled"]["within"]
    return f"{within['estimate']:+.2f} {_interval(within)}".strip().rjust(_STRETCH) + f"{found['pooled']['seeds']:>3}"


def turning_lines(analysis: Mapping[str, Any]) -> list[str]:
    """Return where the learning distance turns, against the trough of test accuracy, over seeds."""
    found = analysis["turning_point"]
    if not found["per_seed"]:
        return []
    means = "; means over these, with 95% intervals" if found["turning"] > 1 else ""
    seeds = counted(len(found["per_seed"]), "seed")
    lines = [f"turning point of distance: inside the curve in {found['turning']} of {seeds}{means}"]
    if not found["turning"]:
        return _wrapped(lines)
    lines.append(
        f"  it climbs by {_estimate(found['rise'], '.2f')} to {_estimate(found['value'], '.2f')} at level "
        f"{_estimate(found['level'], '.1f')}, and falls by {_estimate(found['decline'], '.2f')} at most after it"
    )
    lines += [
        f"  from the trough ({words}): {_estimate(found[name], '+.2f', factor)}, "
        + counted(found[name]["seeds"], "seed")
        for name, words, factor in (
            ("levels_from_trough", "levels", 1),
            ("sparsity_from_trough", "points of sparsity", 100),
        )
        if found[name]["seeds"]
    ]
    return _wrapped(lines)


def _estimate(found: Mapping[str, Any], form: str, factor: float = 1) -> str:
    """Return a mean with its interval, if it has one."""
    mean = format(factor * found["estimate"], form)
    if found["low"] is None:
        return mean
    return f"{mean} [{', '.join(format(factor * found[side], form) for side in ('low', 'high'))}]"


def _interval(within: Mapping[str, Any]) -> str:
    return "" if within["low"] is None else f"[{within['low']:+.2f}, {within['high']:+.2f}]"


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
        return "-"
    spread = "" if cell["sd"] is None else f"±{_short(factor * cell['sd'])}"
    return f"{_short(factor * cell['mean'])}{spread}"


def _cell_width(name: str) -> int:
    return max(13, len(name) + 1)


def _short(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.1g}"
