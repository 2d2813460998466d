"""Simulated curves of known truth, what verdicts say of them, and whether their sentences are true."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from sdd.analysis.phases import Phases, find_phases
from sdd.analysis.statistics import bootstrap_phases

Floats = NDArray[np.float64]

KINDS = (
    "early fall",
    "late fall",
    "two dips",
    "long trough",
    "plateau after a fall",
    "no fall",
    "flat",
    "collapse only",
)
LEVELS = (5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 35, 40)
EXAMPLES = (500, 797, 1000, 2000, 5000, 10_000)
SEED_NOISE = (0.0, 0.005, 0.01)
TRUTHS = ("none", "under 1 point", "1 to 5 points", "over 5 points")


@dataclass(frozen=True)
class Case:
    """A simulated curve: `truth` and `seen`, [levels]; `depth` of the truth, 0 where it has no double descent."""

    kind: str
    sparsity: Floats
    truth: Floats
    depth: float
    seen: Floats
    examples: int
    seed_noise: float


def true_curve(kind: str, places: Floats, rng: np.random.Generator) -> Floats:
    """Return a smooth curve of a kind at places in [0, 1] from the dense level to the last, [levels]."""
    dense = rng.uniform(0.25, 0.85)
    depth, gain = rng.uniform(0.02, 0.2), rng.uniform(-0.01, 0.15)
    depth = min(depth, dense - 0.05)
    low, high = dense - depth, dense + gain
    end = high - rng.uniform(0, 0.3)
    light = dense + rng.uniform(0, 0.03)
    first = rng.uniform(0.06, 0.16)
    knots: list[tuple[float, float]]
    if kind == "early fall":
        knots = [(0, dense), (first, low), (rng.uniform(0.5, 0.8), high), (1, end)]
    elif kind == "late fall":
        trough = rng.uniform(0.4, 0.6)
        knots = [(0, dense), (0.15, light), (trough, low), (trough + rng.uniform(0.2, 0.35), high), (1, end)]
    elif kind == "two dips":
        knots = [
            (0, dense),
            (0.2, dense - depth * rng.uniform(0.3, 1)),
            (0.4, dense),
            (0.6, low),
            (0.85, high),
            (1, end),
        ]
    elif kind == "long trough":
        start = rng.uniform(0.15, 0.3)
        knots = [(0, dense), (start, low), (rng.uniform(0.5, 0.7), low), (0.9, high), (1, end)]
    elif kind == "plateau after a fall":
        start = rng.uniform(0.1, 0.5)
        knots = [(0, dense), (start, low), (1, low)]
    elif kind == "no fall":
        climb = rng.uniform(0.4, 0.7)
        knots = [
            (0, dense),
            (rng.uniform(0.1, 0.3), dense),
            (climb, dense + abs(gain)),
            (1, dense - rng.uniform(0, 0.3)),
        ]
    elif kind == "flat":
        knots = [(0, dense), (1, dense)]
    elif kind == "collapse only":
        dense = rng.uniform(0.7, 0.985)
        start = rng.uniform(0.4, 0.85)
        knots = [(0, dense), (start, dense), (1, rng.uniform(0.1, 0.8 * dense))]
    else:
        raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}")
    at, values = np.array(knots).T
    curve: Floats = PchipInterpolator(at, np.clip(values, 0.02, 0.99))(places)
    return curve


def true_depth(truth: Floats) -> float:
    """Return the largest depth of those whose climb makes good half of it or more, by trying all pairs of levels."""
    best = 0.0
    for low in range(1, len(truth)):
        for high in range(low + 1, len(truth)):
            depth, recovery = truth[0] - truth[low], truth[high] - truth[low]
            if 2 * recovery >= depth > 1e-9:
                best = max(best, depth)
    return best


def truth_of(case: Case) -> str:
    """Return which of `TRUTHS` a curve is."""
    return TRUTHS[0 if case.depth == 0 else 1 + (case.depth >= 0.01) + (case.depth >= 0.05)]


def measured(truth: Floats, examples: int, seed_noise: float, rng: np.random.Generator) -> Floats:
    """Return what a run would show: noise of training and of the test set, independent at each level."""
    expected = np.clip(truth + rng.normal(0, seed_noise, truth.shape), 0, 1)
    seen: Floats = rng.binomial(examples, expected) / examples
    return seen


def cases(count: int, seed: int, noises: tuple[float, ...] = SEED_NOISE) -> Iterator[Case]:
    """Simulate curves of all kinds in turn, of 5 to 40 levels and test sets of 500 to 10,000."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        levels = int(rng.choice(LEVELS))
        remaining = 0.0008 ** (1 / (levels - 1))  # of all steps together: to 99.92 %
        sparsity = 1 - remaining ** np.arange(levels)
        truth = true_curve(kind, np.linspace(0, 1, levels), rng)
        examples, noise = int(rng.choice(EXAMPLES)), float(rng.choice(noises))
        yield Case(kind, sparsity, truth, true_depth(truth), measured(truth, examples, noise, rng), examples, noise)


def contradiction(found: Phases, curve: Floats, sparsity: Floats) -> str:
    """Return what a verdict's sentence says that the curve contradicts; nothing where all is true."""
    text = found.reason
    if found.double_descent:
        trough, peak = found.trough, found.peak
        if trough is None or peak is None or found.depth is None or found.recovery is None:
            return "no trough or peak"
        wrong = (
            abs(found.depth - (curve[0] - curve[trough])) > 1e-12
            or abs(found.recovery - (curve[peak] - curve[trough])) > 1e-12
            or min(found.depth, found.recovery) <= 0.01
            or curve[trough] > min(curve[1:peak])
            or curve[peak] < max(curve[trough:])
        )
        return "trough or peak" if wrong else ""
    if len(curve) < 5:
        return "" if text.startswith(f"{len(curve)} level") and "too few levels" in text else text
    if "no level lies below" in text:
        said = re.search(r"dense network's ([\d.]+)%", text)
        right = said and said[1] == f"{100 * curve[0]:.2f}" and min(curve[1:]) >= curve[0]
        return "" if right else text
    said = re.match(
        r"test accuracy falls at most ([\d.]+) points below the dense network's ([\d.]+)%, at ([\d.]+)%", text
    )
    if not said:
        return text
    lowest = int(np.argmin(curve[1:])) + 1
    climbs = [curve[j] - curve[i] for i in range(1, len(curve)) for j in range(i, len(curve)) if curve[i] < curve[0]]
    climb = re.search(r"climbs at most ([\d.]+) points", text)
    right = (
        said[1] == f"{100 * (curve[0] - curve[lowest]):.1f}"
        and said[2] == f"{100 * curve[0]:.2f}"
        and math.isclose(float(said[3]) / 100, sparsity[lowest], abs_tol=6e-5)
        and (climb[1] == f"{100 * max(climbs):.1f}" if climb else max(climbs) <= 0 and "never climbs" in text)
    )
    return "" if right else text


@dataclass
class Counts:
    """How many verdicts there were, of each value, and how many with an untrue sentence."""

    all: int = 0
    yes: int = 0
    no: int = 0
    untrue: int = 0

    @property
    def undecided(self) -> int:
        """Those that were neither yes nor no."""
        return self.all - self.yes - self.no

    def add(self, verdict: bool | None, untrue: bool = False) -> None:
        """Count one verdict."""
        self.all += 1
        self.yes += verdict is True
        self.no += verdict is False
        self.untrue += untrue


@dataclass(frozen=True)
class Judged:
    """A curve, its verdict, and whether the sentence beside it is untrue."""

    case: Case
    verdict: bool | None
    untrue: bool


def judge(simulated: Iterable[Case]) -> list[Judged]:
    """Judge each curve, told the size of its test set."""
    judged = []
    for case in simulated:
        found = find_phases(case.sparsity, case.seen, examples=case.examples)
        judged.append(Judged(case, found.double_descent, bool(contradiction(found, case.seen, case.sparsity))))
    return judged


def outcomes(judged: Iterable[Judged]) -> dict[str, Counts]:
    """Count verdicts by the truth."""
    counts = {truth: Counts() for truth in TRUTHS}
    for one in judged:
        counts[truth_of(one.case)].add(one.verdict, one.untrue)
    return counts


def seed_outcomes(
    simulated: Iterable[Case], seeds: tuple[int, ...] = (3, 5, 10), resamples: int = 400
) -> dict[str, dict[int, Counts]]:
    """Judge several seeds of each curve together, each with an offset to all its levels; count by truth and seeds."""
    counts: dict[str, dict[int, Counts]] = {}
    rng = np.random.default_rng(0)
    for case in simulated:
        for number in seeds:
            means = [np.clip(case.truth + rng.normal(0, 0.02), 0, 1) for _ in range(number)]
            curves = [measured(mean, case.examples, case.seed_noise, rng) for mean in means]
            found = bootstrap_phases(np.array(curves), case.sparsity, resamples=resamples)
            by_seeds = counts.setdefault(truth_of(case), {})
            by_seeds.setdefault(number, Counts()).add(found.double_descent)
    return counts
