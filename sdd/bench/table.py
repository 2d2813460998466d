"""One row of the benchmark: seconds of two things that were timed in turns, and their ratio."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

HEAD = f"{'':68}{'baseline':>10}{'sdd':>10}{'ratio':>8}{'min':>8}{'max':>8}{'pairs':>7}"


@dataclass(frozen=True)
class Row:
    """Something that was timed beside its baseline, or alone.

    Attributes:
        name: What was timed.
        baseline: What it is compared with; empty: nothing.
        pairs: (baseline, ours) of each round, in `unit`; the baseline is None where there is none.
        unit: `s`, `CPU-s` or `GB`.
    """

    name: str
    baseline: str
    pairs: Sequence[tuple[float | None, float]]
    unit: str = "s"

    @property
    def ratios(self) -> list[float]:
        """Ours by the baseline, pair by pair."""
        return [ours / bare for bare, ours in self.pairs if bare]

    def line(self) -> str:
        """Return the row as a line of text: medians, and the smallest and largest ratio."""
        name = f"{self.name} [{self.unit}]" if self.unit != "s" else self.name
        name = f"{name} : {self.baseline}" if self.baseline else name
        text = (
            f"{name:68}{_median([bare for bare, _ in self.pairs]):>10}{_median([ours for _, ours in self.pairs]):>10}"
        )
        if not self.ratios:
            return f"{text}{'':24}{len(self.pairs):7}"
        low, middle, high = min(self.ratios), median(self.ratios), max(self.ratios)
        return f"{text}{middle:8.2f}{low:8.2f}{high:8.2f}{len(self.pairs):7}"

    def as_json(self) -> dict[str, Any]:
        """Return all that was timed."""
        return {
            "name": self.name,
            "baseline": self.baseline or None,
            "unit": self.unit,
            "pairs": [list(pair) for pair in self.pairs],
            "median_ratio": median(self.ratios) if self.ratios else None,
        }


def _median(values: Sequence[float | None]) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return ""
    middle = median(found)
    return f"{middle:.3g}" if middle < 1 else f"{middle:.2f}"
