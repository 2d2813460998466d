"""Loss and accuracy between two trained levels: `python -m sdd interpolate`, and the same as functions."""

from sdd.interpolation.pair import interpolate_levels
from sdd.interpolation.redense import interpolate_redense

__all__ = ["interpolate_levels", "interpolate_redense"]
