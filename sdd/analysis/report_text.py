"""A curve in words and aligned columns, for a terminal of 100 columns."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sdd.analysis.phases import PHASES, verdict_text

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
    lines += [_correlation_line(name, values) for name, values in found["spearman"].items()]
    return "\n".join(lines)


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


def _correlation_line(name: str, values: Mapping[str, float | int | None]) -> str:
    start = f"Spearman of test_acc with {name}, over levels: "
    if values["rho"] is None:
        return f"{start}none (n = {values['n']})"
    return f"{start}{values['rho']:+.2f} (n = {values['n']})"


def _sentence(found: Mapping[str, Any]) -> str:
    reason: str = found["reason"]
    return f"{reason[:1].upper()}{reason[1:]}."


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.2f}%"
