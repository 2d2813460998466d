"""A curve in words and aligned columns, for a terminal of 100 columns."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sdd.analysis.phase_correlations import STRETCHES
from sdd.analysis.phases import PHASES
from sdd.analysis.verdict_text import verdict_text

_CELL = 19  # characters of a correlation

# Column, width, format; fractions are shown in percent.
_COLUMNS = (
    ("level", 5, "d"),
    ("sparsity", 8, ".3%"),
    ("remaining", 10, "d"),
    ("train_acc", 9, ".2%"),
    ("memorized", 9, ".2%"),
    ("recovered", 9, ".2%"),
    ("test_loss", 9, ".4f"),
    ("test_acc", 8, ".2%"),
    ("distance", 8, ".3f"),
    ("seconds", 7, ".1f"),
)


def header() -> str:
    """Return the names of the columns, aligned as `row_line` aligns its numbers."""
    return "  ".join(name.rjust(width) for name, width, _ in _COLUMNS)


def row_line(row: Mapping[str, float | int]) -> str:
    """Return one level in one line; what the row lacks, or NaN, is a dash."""
    return "  ".join(_cell(row.get(name, math.nan), form).rjust(width) for name, width, form in _COLUMNS)


def summary(rows: Sequence[Mapping[str, float | int]], found: Mapping[str, Any]) -> str:
    """Return phases, trough, peak and correlations in words, or why there is no double descent, or none decided.

    Args:
        rows: One a level.
        found: What `summarise` returned for them.
    """
    verdict = f"Double descent: {verdict_text(found['double_descent'])}"
    lines = [verdict, *_phase_lines(rows, found)] if found["double_descent"] else [f"{verdict}. {_sentence(found)}"]
    return "\n".join([*lines, *_correlation_lines(found), *_turning_lines(found)])


def sparsity_text(fraction: float) -> str:
    """Return a sparsity in percent, with more digits where little remains."""
    return f"{100 * fraction:.{2 if fraction < 0.999 else 4}f}".rstrip("0").rstrip(".") + "%"


def _cell(value: float | int, form: str) -> str:
    if not math.isfinite(value):
        return "-" if math.isnan(value) else str(value)
    return format(int(value) if form == "d" else value, form)


def _phase_lines(rows: Sequence[Mapping[str, float | int]], found: Mapping[str, Any]) -> list[str]:
    edges = [0.0, *found["boundaries"].values(), rows[-1]["sparsity"]]
    if edges[3] is None:  # the curve ends with its peak
        del edges[3]
    ranges = [
        f"{name} {sparsity_text(start)} to {sparsity_text(end)}"
        for name, (start, end) in zip(PHASES, pairwise(edges), strict=False)
    ]
    return [
        f"  phases   {', '.join(ranges)} sparsity",
        f"  dense    test accuracy {_percent(found['dense_test_acc'])}",
        f"  trough   {_level_text(found['trough'])}",
        f"  peak     {_level_text(found['peak'])}",
        f"  depth    {100 * found['depth']:.1f} points, gain {100 * found['gain']:+.1f} points "
        f"(noise of about {100 * found['noise']:.1f} points a level)",
    ]


def _level_text(found: Mapping[str, Any]) -> str:
    accuracy, memorized = _percent(found["test_acc"]), _percent(found["memorized"])
    text = f"test accuracy {accuracy} at level {found['level']}, sparsity {sparsity_text(found['sparsity'])}"
    return text if found["memorized"] is None else f"{text}, {memorized} of wrong labels memorised"


def _correlation_lines(found: Mapping[str, Any]) -> list[str]:
    """Return a table of the correlations over all levels and, with a double descent, within its phases."""
    phases = found["phase_spearman"]
    stretches = list(STRETCHES) if found["double_descent"] else []
    heads = ["all levels", *(STRETCHES[name] for name in stretches)]
    lines = [f"{'Spearman of test_acc with':<27}" + "".join(f"{head:>{_CELL}}" for head in heads)]
    for name, over_all in found["spearman"].items():
        cells = [over_all, *(phases[name][stretch] for stretch in stretches)]
        lines.append(f"  {name:<25}" + "".join(f"{_correlation(cell):>{_CELL}}" for cell in cells))
    return lines


def _correlation(found: Mapping[str, float | int | None]) -> str:
    value = "none" if found["rho"] is None else f"{found['rho']:+.2f}"
    return f"{value} (n = {found['n']})"


def _turning_lines(found: Mapping[str, Any]) -> list[str]:
    """Return where the learning distance turns, and how far from the trough that is."""
    turn = found["turning_point"]
    if turn is None:
        return []
    place = f"level {turn['level']}, sparsity {sparsity_text(turn['sparsity'])}"
    if not turn["turns"]:
        return [f"Turning point of distance: none inside the curve; it is largest at {place}"]
    lines = [
        f"Turning point of distance: {turn['value']:.2f} at {place}, {turn['rise']:.2f} above the dense level's,",
        f"  from which it falls by {turn['decline']:.2f} at most",
    ]
    if found["double_descent"] and turn["levels_from_trough"] is not None:
        lines[1] += f"; {from_trough(turn['levels_from_trough'], turn['sparsity_from_trough'])}"
    return lines


def from_trough(levels: int, sparsity: float) -> str:
    """Return in words where a level lies against the trough.

    Args:
        levels: From the trough to it.
        sparsity: Its sparsity minus the trough's, a fraction.
    """
    if levels == 0:
        return "it is the trough's level"
    many = f"{abs(levels)} level{'s' if abs(levels) > 1 else ''}"
    return f"it lies {many} {'after' if levels > 0 else 'before'} the trough, {100 * sparsity:+.2g} points of sparsity"


def _sentence(found: Mapping[str, Any]) -> str:
    reason: str = found["reason"]
    return f"{reason[:1].upper()}{reason[1:]}."


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.2f}%"
