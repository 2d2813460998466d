"""How RESULTS.md writes numbers: percent and points, intervals, counts, verdicts, tables."""

import math
from collections.abc import Sequence

from sdd.analysis.statistics import Interval
from sdd.errors import UserError


class Text:
    """The page as it grows; a sentence that the numbers do not bear out is not written.

    Attributes:
        lines: Written so far.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, *lines: str) -> None:
        """Add lines, and an empty one after them."""
        self.lines += [*lines, ""]

    def say(self, sentence: str, *holds: bool) -> None:
        """Add a paragraph.

        Args:
            sentence: Its words, numbers put in.
            *holds: What must be true of the numbers for its other words to be true.

        Raises:
            UserError: One is not.
        """
        if not all(holds):
            raise UserError(f"the kept runs do not show what the page would say: {sentence}")
        self.add(sentence)

    def figure(self, name: str, caption: str) -> None:
        """Add a figure of `docs/results`."""
        self.add(f"![{caption}](docs/results/{name}.png)")

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table; all columns but the first are aligned right where they hold numbers."""
        numeric = [all(row[i][:1] in "+−0123456789–" for row in rows) for i in range(len(heads))]
        self.add(
            f"| {' | '.join(heads)} |",
            f"|{'|'.join('---:' if number and place else '---' for place, number in enumerate(numeric))}|",
            *(f"| {' | '.join(row)} |" for row in rows),
        )

    @property
    def content(self) -> str:
        """All of it."""
        return "\n".join(self.lines).rstrip("\n") + "\n"


def number(value: float, digits: int = 1, *, sign: bool = False) -> str:
    """Return a number with a true minus sign."""
    if math.isnan(value):
        return "–"
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    return (text.lstrip("+-") if float(text) == 0 else text).replace("-", "−")


def percent(value: float, digits: int = 1) -> str:
    """Return a fraction in percent."""
    return f"{number(100 * value, digits)} %"


def remaining(value: float) -> str:
    """Return a fraction of weights that remain in percent, with two digits that count."""
    return f"{100 * value:.2g} %" if value < 1 else "100 %"


def interval(found: Interval, digits: int = 1, factor: float = 1.0, *, sign: bool = False) -> str:
    """Return an estimate with its 95 % interval, where it has one."""
    mean = number(factor * found.estimate, digits, sign=sign)
    if math.isnan(found.low):
        return mean
    return f"{mean} [{number(factor * found.low, digits)}, {number(factor * found.high, digits)}]"


def points(found: Interval, *, sign: bool = False) -> str:
    """Return a difference of fractions in points, with its interval."""
    return interval(found, 1, 100.0, sign=sign)


def verdict(found: bool | None) -> str:
    """Return a verdict's word."""
    return {True: "yes", False: "no", None: "not decided"}[found]
