"""The paper's claims, each with a verdict, the numbers it rests on, and where they are shown."""

import math
from collections.abc import Sequence

import numpy as np

from results.evidence import CurveEvidence, Evidence, ends_of, over_seeds, same_seeds
from results.ticket_levels import best_and_worst
from results.wording import Text, interval, number, points, verdict
from sdd.analysis.statistics import Interval, bootstrap_phases
from sdd.errors import UserError

Row = tuple[str, str, str, str, str]
"""Claim, setting, verdict, what was found, where."""

FOLLOWS = 0.5
"""Size of a rank correlation over all levels from which on a measure is said to follow test accuracy."""
_NEAR = 2.0  # levels
_AT_TROUGH, _AT_PEAK = "digits, 40 %, level 15, at the trough", "digits, 40 %, level 28, near the peak"

RATES = {"rate_20": "20 %", "base": "40 %", "rate_60": "60 %", "rate_80": "80 %"}
"""Curves of the digits by their rate of symmetric noise."""

SETTINGS = {
    **{("digits", name): f"digits, {rate}" for name, rate in RATES.items()},
    ("mnist_6000", "rate_20"): "MNIST, 6,000 images, 20 %",
    ("mnist_6000", "rate_40"): "MNIST, 6,000 images, 40 %",
    ("mnist_6000", "rate_80"): "MNIST, 6,000 images, 80 %",
    ("mnist", "rate_20"): "MNIST, 60,000 images, 20 %",
    ("mnist", "rate_40"): "MNIST, 60,000 images, 40 %",
    ("mnist", "rate_80"): "MNIST, 60,000 images, 80 %",
    ("resnet18", "rate_40"): "ResNet-18 of width 8, JPEG CIFAR-10, 40 %",
    ("vgg16", "rate_40"): "VGG-16 of width 8, JPEG CIFAR-10, 40 %",
}
"""Settings in which a double descent is looked for, in words."""

CLEAN = {("digits", "rate_0"): "digits", ("mnist_6000", "rate_0"): "MNIST, 6,000 images"}
CRITERIA = {"base": "magnitude", "gradient": "gradient", "random": "random"}
RETRAINING = {"lr_rewind": "learning-rate rewinding", "finetune": "fine-tuning", "scratch": "from scratch"}
FLATNESS = {
    "hessian_top": "largest eigenvalue",
    "hessian_trace": "trace",
    "sharpness": "sharpness",
    "effective_dimension": "effective dimension",
}


def claim_rows(evidence: Evidence) -> list[Row]:
    """Return the rows of the table of claims, of what is kept."""
    there = {place: words for place, words in SETTINGS.items() if evidence.has(*place)}
    falls = {place: words for place, words in there.items() if evidence.curve(*place).verdict is True}
    base = evidence.curve("digits", "base")
    return [
        *(
            descent_row("accuracy falls and climbs again", words, evidence.curve(*place))
            for place, words in there.items()
        ),
        *(
            descent_row("there is none with clean labels", words, evidence.curve(*place), want=False)
            for place, words in CLEAN.items()
            if evidence.has(*place)
        ),
        *(
            descent_row("whatever the criterion", words, evidence.curve("digits", name))
            for name, words in CRITERIA.items()
        ),
        *(
            descent_row("whatever the retraining", words, evidence.curve("digits", name))
            for name, words in RETRAINING.items()
        ),
        _moved(evidence),
        *(_best(evidence.curve("digits", name), f"digits, {rate}") for name, rate in RATES.items()),
        *(_flatness(base, name, words) for name, words in FLATNESS.items()),
        *(_turning(evidence.curve(*place), words) for place, words in falls.items()),
        *(_distance_overall(evidence.curve(*place), words) for place, words in falls.items()),
        _tickets(evidence),
        _redense_escapes(evidence),
        *(_redense_sharper(evidence, level, words) for level, words in {15: _AT_TROUGH, 28: _AT_PEAK}.items()),
    ]


def trough_levels(curve: CurveEvidence) -> list[int | None]:
    """Return the level of each seed's trough."""
    return [
        None if run.phases.trough is None else int(run.rows[run.phases.trough]["level"]) for run in curve.group.runs
    ]


def moved(evidence: Evidence, first: str, second: str) -> Interval:
    """Return by how many levels the trough of one curve lies after another's, seed by seed; NaN where one has none."""
    one, other = (evidence.curve("digits", name) for name in (first, second))
    same_seeds(one, other)
    pairs = list(zip(trough_levels(one), trough_levels(other), strict=True))
    return over_seeds([math.nan if a is None or b is None else b - a for a, b in pairs])


def best_phases(curve: CurveEvidence) -> tuple[Interval, Interval, bool | None]:
    """Return depth and recovery of the best accuracies of the levels' epochs, and the verdict on them."""
    found = bootstrap_phases(curve.values("best_test_acc"), curve.mean("sparsity"))
    return found.depth, found.recovery, found.double_descent


def sparse_and_redense(evidence: Evidence) -> tuple[CurveEvidence, CurveEvidence]:
    """Return the sparse networks, and what releasing their masks makes of them, both measured in all weights.

    Raises:
        UserError: They are measured otherwise, or are of other seeds.
    """
    sparse, dense = (evidence.curve("digits", curve) for curve in ("full", "redense"))
    same_seeds(sparse, dense)
    for curve in (sparse, dense):
        if evidence.tasks["digits"].curves[curve.name].settings.get("flatness.space") != "full":
            raise UserError(f"digits/{curve.name} is not measured in all weights")
    return sparse, dense


def grown(evidence: Evidence, name: str, level: int) -> Interval:
    """Return by how much re-dense training changes a measure of a level, seed by seed."""
    sparse, dense = sparse_and_redense(evidence)
    at = sparse.levels.index(level)
    return over_seeds(dense.values(name)[:, at] - sparse.values(name)[:, at])


def times_grown(evidence: Evidence, name: str, level: int) -> Interval:
    """Return how many times as large re-dense training makes a positive measure of a level, seed by seed."""
    sparse, dense = sparse_and_redense(evidence)
    at = sparse.levels.index(level)
    found = over_seeds(np.log(dense.values(name)[:, at]) - np.log(sparse.values(name)[:, at]))
    return Interval(*(float(np.exp(value)) for value in (found.estimate, found.low, found.high)))


def spearman(curve: CurveEvidence, name: str) -> Interval:
    """Return the rank correlation of test accuracy with a measure over all levels, mean over seeds."""
    found = curve.analysis["correlations"][name]["pooled"]["within"]
    return ends_of(found)


def spearman_within(curve: CurveEvidence, name: str, stretch: str) -> Interval:
    """Return that within a phase, `dense_to_trough` or `trough_to_peak`."""
    found = curve.analysis["correlations"][name]["phases"][stretch]["pooled"]["within"]
    return ends_of(found)


def descent_row(claim: str, setting: str, curve: CurveEvidence, *, want: bool = True) -> Row:
    """Return a row on whether a curve has a double descent; it is agreed to where that is as wanted."""
    here = curve.verdict
    agrees = None if here is None else here is want
    if curve.seeds > 2:
        second = "gain" if want else "recovery"
        said = f"depth {points(curve.interval('depth'))}, {second} {points(curve.interval(second), sign=True)}"
    else:
        phases = curve.mean_phases
        if phases.depth is None or phases.gain is None:
            return (claim, setting, verdict(agrees), f"no trough, n = {curve.seeds}", section(curve.task))
        said = f"depth {number(100 * phases.depth)}, gain {number(100 * phases.gain, sign=True)}"
    return (claim, setting, verdict(agrees), f"{said} points, n = {curve.seeds}", section(curve.task))


def _moved(evidence: Evidence) -> Row:
    found = moved(evidence, "rate_20", "rate_60")
    agrees = None if found.low <= 0 <= found.high else found.high < 0
    said = (
        f"the trough moves by {interval(found, 1, sign=True)} levels, n = {evidence.curve('digits', 'rate_20').seeds}"
    )
    claim = "heavier noise moves the trough to more weights"
    return (claim, "digits, 20 to 60 %", verdict(agrees), said, section("digits"))


def _best(curve: CurveEvidence, words: str) -> Row:
    depth, _, found = best_phases(curve)
    agrees = None if found is None else not found
    claim = "the best accuracy of a level's epochs has no double descent"
    return (claim, words, verdict(agrees), f"depth {points(depth)} points, n = {curve.seeds}", section("digits"))


def _flatness(curve: CurveEvidence, name: str, words: str) -> Row:
    found = spearman(curve, name)
    does = follows(found)
    said = f"Spearman {interval(found, 2)}, n = {curve.seeds}"
    claim = "flatness does not follow accuracy over the whole curve"
    agrees = None if does is None else not does
    return (claim, f"digits, 40 %, {words}", verdict(agrees), said, section("digits"))


def follows(found: Interval) -> bool | None:
    """Tell whether a negative rank correlation is `FOLLOWS` in size or more; None: its interval does not tell."""
    return True if found.high <= -FOLLOWS else False if found.low > -FOLLOWS else None


def _turning(curve: CurveEvidence, words: str) -> Row:
    turn = curve.analysis["turning_point"]
    claim = "the learning distance turns where accuracy does"
    if not turn["turning"]:
        said = f"it has no turning point, as the paper says of CIFAR, n = {curve.seeds}"
        return (claim, words, "–", said, section(curve.task))
    found = ends_of(turn["levels_from_trough"])
    near, far = found.low >= -_NEAR and found.high <= _NEAR, found.low > _NEAR or found.high < -_NEAR
    agrees = True if near else False if far else None
    said = f"{interval(found, 1, sign=True)} levels from the trough, n = {turn['levels_from_trough']['seeds']}"
    return (claim, words, verdict(agrees), said, section(curve.task))


def _distance_overall(curve: CurveEvidence, words: str) -> Row:
    found = spearman(curve, "distance")
    said = f"Spearman {interval(found, 2)}, n = {curve.seeds}"
    claim = "the learning distance follows accuracy over the whole curve"
    return (claim, words, verdict(follows(found)), said, section(curve.task))


def _tickets(evidence: Evidence) -> Row:
    found = best_and_worst(evidence)
    lost, won = len(found.lost), len(found.won)
    said = f"they lose at {lost} of {found.levels} levels and win at {won}, with Holm's correction, n = {found.pairs}"
    return ("winning tickets may not win", "digits, 40 %", verdict(lost > 0), said, section("digits"))


def _redense_escapes(evidence: Evidence) -> Row:
    found = grown(evidence, "memorized", 28)
    said = f"{points(found, sign=True)} points more of the wrong labels are memorised, {_count(evidence)}"
    agrees = None if found.low <= 0 <= found.high else found.low > 0
    return ("re-dense training memorises more", _AT_PEAK, verdict(agrees), said, section("digits"))


def _redense_sharper(evidence: Evidence, level: int, words: str) -> Row:
    found = times_grown(evidence, "hessian_trace", level)
    agrees = None if found.low <= 1 <= found.high else found.low > 1
    said = f"the Hessian's trace in all weights is {interval(found, 2)} times the sparse one's, {_count(evidence)}"
    return ("re-dense solutions are sharper", words, verdict(agrees), said, section("digits"))


def _count(evidence: Evidence) -> str:
    return f"n = {sparse_and_redense(evidence)[0].seeds}"


def section(task: str) -> str:
    """Return a link to the section on a task."""
    name = {"digits": "digits", "mnist_6000": "MNIST", "mnist": "MNIST"}.get(task, "convolutional networks")
    return f"[{name}](#{name.lower().replace(' ', '-')})"


def add_rows(text: Text, rows: Sequence[Row]) -> None:
    """Add a table of claims; a claim that is that of the row before is not repeated."""
    shown = []
    for place, row in enumerate(rows):
        same = place > 0 and rows[place - 1][0] == row[0]
        shown.append(("" if same else row[0], *row[1:]))
    text.table(("claim", "setting", "here", "what was found", "section"), shown)
