"""Geometric schedule: every level removes the same fraction of the remaining weights."""

from sdd.pruning.schedules import OfRemaining, Schedule


def geometric(*, levels: int, fraction: float) -> list[OfRemaining]:
    """Remove ⌈fraction × remaining⌉ weights at each of so many levels (Frankle & Carbin 2019)."""
    return [OfRemaining(fraction)] * levels


PART = Schedule(geometric)
