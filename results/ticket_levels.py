"""Where winning tickets of the digits lose and win."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from results.evidence import Evidence, ends_of, turned
from sdd.analysis.statistics import Interval


@dataclass(frozen=True)
class TicketLevels:
    """Where winning tickets lose and win against fresh weights, with Holm's correction.

    Attributes:
        pairs: Compared.
        levels: Pruned ones.
        lost: Those at which fresh weights are better, as `pair_groups` tells them.
        won: Those at which tickets are.
        overall: Fresh minus tickets, mean over all levels.
    """

    pairs: int
    levels: int
    lost: Sequence[Mapping[str, Any]]
    won: Sequence[Mapping[str, Any]]
    overall: Interval

    @property
    def worst(self) -> tuple[Interval, float]:
        """By how much fresh weights are better where they are so most, and what fraction of the weights remains there.

        The interval is that of one level, and takes no account of its being the worst of many.
        """
        level = max(self.lost, key=lambda level: float(level["mean"]))
        return ends_of(level, "mean"), 1 - float(level["sparsity"])

    @property
    def best(self) -> tuple[Interval, float]:
        """The same of the tickets."""
        level = min(self.won, key=lambda level: float(level["mean"]))
        return turned(ends_of(level, "mean")), 1 - float(level["sparsity"])


def best_and_worst(evidence: Evidence) -> TicketLevels:
    """Return where winning tickets of the digits lose and win."""
    comparison = evidence.tickets("reinitialised")
    levels = [level for level in comparison["levels"] if level["level"] > 0]
    lost, won = ([one for one in levels if one[f"{side}_wins_holm"]] for side in ("reinit", "lottery"))
    return TicketLevels(len(comparison["pairs"]), len(levels), lost, won, ends_of(comparison["overall"], "mean"))
