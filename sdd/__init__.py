"""Sparse double descent: noisy data, a network, levels of pruning, measures, curves."""

from sdd.version import __version__

__all__ = ["__version__"]
