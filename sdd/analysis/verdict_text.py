"""A verdict on a curve in words: what the curve shows, what of it is put down to noise, what would decide."""

import numpy as np
from numpy.typing import NDArray

from sdd.analysis.accuracy_noise import SHORT, binomial_error, examples_of

Floats = NDArray[np.float64]


def verdict_text(double_descent: bool | None) -> str:
    """Return a verdict in words."""
    return "not decided" if double_descent is None else "yes" if double_descent else "no"


def facts(curve: Floats, sparsity: Floats) -> str:
    """Return in words what a curve shows: its lowest level and its largest climb after a fall."""
    lowest = 1 + int(curve[1:].argmin())
    if curve[lowest] >= curve[0]:
        return f"no level lies below the dense network's {_percent(curve[0])}"
    below = np.flatnonzero(curve[1:-1] < curve[0]) + 1
    climb = max((float(curve[level + 1 :].max() - curve[level]) for level in below), default=0.0)
    text = (
        f"test accuracy falls at most {points(curve[0] - curve[lowest])} below the dense network's "
        f"{_percent(curve[0])}, at {_sparsity(sparsity[lowest])} sparsity, and "
    )
    if climb <= 0:
        return text + "never climbs again"
    return text + f"climbs at most {points(climb)} from a level below it"


def why(
    curve: Floats,
    noise: Floats,
    verdict: bool | None,
    highest: float,
    *,
    lone: bool,
    step: tuple[float, float] | None,
    examples: int | None,
    several: bool,
) -> str:
    """Return what of that is put down to noise, and what would decide."""
    level = f"noise of about {points(float(noise.max()))} a level"
    if verdict is False:
        return f"; with {level}, a fall of more than a point that is made good is excluded at 95 %"
    if lone:
        return (
            "; fall or climb rests on a single level, which one failed or lucky training explains: more levels or "
            "seeds would decide"
        )
    if step:
        return (
            f"; too few levels to tell: none lies between {_sparsity(step[0])} and {_sparsity(step[1])} sparsity, "
            "more levels or seeds would decide"
        )
    possible = f"; {level} leaves a depth of up to {points(highest)} possible at 95 %: "
    if not several and curve.size < SHORT:
        return possible + "too few levels to tell, more levels or seeds would decide"
    size = examples_of(curve) if examples is None else examples
    if not several and size is not None and float(binomial_error(curve, size).max()) > 0.7 * float(noise.max()):
        return possible + f"more seeds, or more than {size} test images, would decide"
    return possible + "more seeds would decide"


def points(fraction: float) -> str:
    """Return a fraction in points of accuracy."""
    return f"{100 * fraction:.1f} points"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}%"


def _sparsity(fraction: float) -> str:
    """Return a sparsity in percent, with more digits where little remains."""
    return f"{100 * fraction:.{2 if fraction < 0.999 else 4}f}".rstrip("0").rstrip(".") + "%"
