"""From finished curves: phases, statistics, plots, report; `load_runs` and `plot` are for notebooks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdd.analysis.frame import load_runs
    from sdd.analysis.plotting import plot

__all__ = ["load_runs", "plot"]


def __getattr__(name: str) -> Any:
    """Import what needs pandas or matplotlib only when it is asked for: a training run needs no pandas."""
    if name == "load_runs":
        from sdd.analysis.frame import load_runs

        return load_runs
    if name == "plot":
        from sdd.analysis.plotting import plot

        return plot
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
