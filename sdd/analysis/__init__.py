"""From finished curves: phases, statistics, plots, report; `load_runs` gives them as one table."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdd.analysis.frame import load_runs

__all__ = ["load_runs"]


def __getattr__(name: str) -> Any:
    """Import what needs pandas only when it is asked for: a training run never does."""
    if name == "load_runs":
        from sdd.analysis.frame import load_runs

        return load_runs
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
