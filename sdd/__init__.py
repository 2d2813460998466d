"""Sparse double descent: noisy data, a network, levels of pruning, measures, curves.

From Python: `fit` trains a run as the command does, `load_level` gives a trained network, `evaluate` measures one anew,
`export_onnx` writes one, `load_runs` reads many runs into a table, and `plot` draws them. Each is imported when it is
asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sdd.version import __version__

if TYPE_CHECKING:
    from sdd.analysis import load_runs, plot
    from sdd.library.fit import fit
    from sdd.library.levels import evaluate, export_onnx, load_level

__all__ = ["__version__", "evaluate", "export_onnx", "fit", "load_level", "load_runs", "plot"]

_PLACES = {
    "evaluate": "sdd.library.levels",
    "export_onnx": "sdd.library.levels",
    "fit": "sdd.library.fit",
    "load_level": "sdd.library.levels",
    "load_runs": "sdd.analysis",
    "plot": "sdd.analysis",
}


def __getattr__(name: str) -> Any:
    """Import a function where it is asked for: `--help` needs no PyTorch."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
