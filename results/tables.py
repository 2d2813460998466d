"""Tables of RESULTS.md that several of its sections have, and places of a mean curve."""

from collections.abc import Mapping

from results.claims import spearman, spearman_within
from results.evidence import CurveEvidence, Evidence
from results.wording import Text, interval, number, percent, points, remaining, verdict

_HEADS = ("curve", "seeds", "wrong labels", "dense", "trough", "at", "peak", "at", "depth", "gain", "double descent")
_WRONG = _HEADS.index("wrong labels")


def curve_table(text: Text, evidence: Evidence, task: str, named: Mapping[str, str]) -> None:
    """Add a table of some curves: dense, trough and peak of the mean curve, depth and gain over seeds.

    Where they differ in their wrong labels, these are in it too.
    """
    curves = {words: evidence.curve(task, name) for name, words in named.items()}
    alike = len({curve.counts("train") for curve in curves.values()}) == 1
    rows = [curve_row(curve, words) for words, curve in curves.items()]
    without = [[*row[:_WRONG], *row[_WRONG + 1 :]] for row in (_HEADS, *rows)]
    text.table(*((without[0], without[1:]) if alike else (_HEADS, rows)))


def curve_row(curve: CurveEvidence, words: str) -> tuple[str, ...]:
    """Return a curve's row."""
    accuracy, left, found = curve.mean("test_acc"), curve.remaining, curve.mean_phases
    places = []
    for at in (found.trough, found.peak):
        places += ["–", "–"] if at is None else [percent(accuracy[at]), remaining(left[at])]
    if curve.seeds > 2:
        both = [points(curve.interval("depth"), sign=True), points(curve.interval("gain"), sign=True)]
    else:
        both = ["–" if one is None else number(100 * one, sign=True) for one in (found.depth, found.gain)]
    examples, wrong = curve.counts("train")
    first = (words, str(curve.seeds), percent(wrong / examples, 0), percent(accuracy[0]))
    return (*first, *places, *both, verdict(curve.verdict))


def correlations(text: Text, curve: CurveEvidence, named: Mapping[str, str]) -> None:
    """Add a table of rank correlations with test accuracy."""
    rows = [
        (
            words,
            interval(spearman(curve, name), 2),
            interval(spearman_within(curve, name, "dense_to_trough"), 2),
            interval(spearman_within(curve, name, "trough_to_peak"), 2),
        )
        for name, words in named.items()
    ]
    text.table(("Spearman of test accuracy with", "all levels", "dense to trough", "trough to peak"), rows)


def place(curve: CurveEvidence, which: str) -> int:
    """Return the index of trough or peak of the mean curve."""
    return int(getattr(curve.mean_phases, which))


def at(curve: CurveEvidence, name: str, which: str) -> str:
    """Return a measure's mean at trough or peak of the mean curve, in percent."""
    place = getattr(curve.mean_phases, which)
    return percent(curve.mean(name)[place])
