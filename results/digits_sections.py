"""What RESULTS.md says of the digits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from results.claims import best_phases, ends_of, grown, moved, spearman, spearman_within, times_grown
from results.evidence import CurveEvidence, Evidence
from results.wording import Text, interval, number, percent, points, remaining, verdict
from sdd.analysis.statistics import Interval, bootstrap_phases
from sdd.files import read_table

_HEADS = ("curve", "seeds", "dense", "trough", "at", "peak", "at", "depth", "gain", "double descent")


def curve_table(text: Text, evidence: Evidence, task: str, named: Mapping[str, str]) -> None:
    """Add a table of some curves: dense, trough and peak of the mean curve, depth and gain over seeds."""
    text.table(_HEADS, [curve_row(evidence.curve(task, name), words) for name, words in named.items()])


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
    return (words, str(curve.seeds), percent(accuracy[0]), *places, *both, verdict(curve.verdict))


def digits_sections(text: Text, evidence: Evidence) -> None:
    """Add the sections on the digits."""
    text.add("## Digits")
    text.add(
        "`digits_mlp`: scikit-learn's 1,797 handwritten digits of 8 × 8 pixels, 1,000 to train and 797 to test, a fully connected "
        "network 64-300-100-10, 40 % symmetric noise, 50 epochs a level, a fifth of the weights removed at each of 34 levels by "
        "magnitude, winning tickets rewound to the initialisation. In the tables *trough* and *peak* are those of the mean "
        "curve, *at* how many of the weights remain there; *depth* and *gain* are in points over the seeds, each measured where "
        "the others have trough and peak. Weights are counted without the output layer's 1,000 and the biases, which are never removed."
    )
    _phases(text, evidence)
    _noise(text, evidence)
    _pruning(text, evidence)
    _retraining(text, evidence)
    _tickets(text, evidence)
    _epochs(text, evidence)
    _distance(text, evidence)
    _flatness(text, evidence)
    _redense(text, evidence)
    _remedies(text, evidence)
    _calibration(text, evidence)
    _width(text, evidence)


def _at(curve: CurveEvidence, name: str, which: str) -> str:
    """Return a measure's mean at trough or peak of the mean curve, in percent."""
    place = getattr(curve.mean_phases, which)
    return percent(curve.mean(name)[place])


def _phases(text: Text, evidence: Evidence) -> None:
    curve = evidence.curve("digits", "base")
    phases = curve.mean_phases
    assert phases.trough is not None
    assert phases.peak is not None
    memorised = curve.mean("memorized")
    text.add("### Four phases")
    text.figure(
        "digits_phases", "Accuracies and memorisation over the weights that remain, with the four phases shaded"
    )
    text.say(
        f"Dense networks have memorised {percent(memorised[0])} of the wrong labels and test at {percent(curve.mean('test_acc')[0])}. "
        f"At the trough, with {remaining(curve.remaining[phases.trough])} of the weights, {_at(curve, 'memorized', 'trough')} are "
        f"still memorised and accuracy is down to {_at(curve, 'test_acc', 'trough')}: depth {points(curve.interval('depth'))} "
        f"points. At the peak, with {remaining(curve.remaining[phases.peak])}, {_at(curve, 'memorized', 'peak')} are memorised, and "
        f"accuracy is {_at(curve, 'test_acc', 'peak')}, {points(curve.interval('gain'))} points above the dense networks'. "
        f"With the last {number(curve.mean('remaining')[-1], 0)} weights it is {percent(curve.mean('test_acc')[-1])}.",
        bool(memorised[phases.peak] < memorised[phases.trough] < memorised[0] + 1e-9),
        curve.verdict is True,
    )


def _noise(text: Text, evidence: Evidence) -> None:
    text.add("### Noise")
    text.figure("digits_noise", "Test and training accuracy by noise rate")
    rates = {"rate_0": "clean", "rate_20": "20 %", "base": "40 %", "rate_60": "60 %", "rate_80": "80 %"}
    types = {"uniform": "uniform, 40 %", "pairflip": "pairflip, 40 %", "asymmetric": "asymmetric, 40 %"}
    curve_table(text, evidence, "digits", rates | types)
    text.figure("digits_noise_types", "Test accuracy by type of noise")
    text.say(
        "Clean labels show no double descent; at 80 %, where dense networks test at "
        f"{percent(evidence.curve('digits', 'rate_80').mean('test_acc')[0])}, and with the two types of noise that move a class to one "
        "other, it is not decided. From 20 to 60 % the trough moves by "
        f"{interval(moved(evidence, 'rate_20', 'rate_60'), 1, sign=True)} levels, as if more wrong labels took more weights to be learnt "
        "by heart.",
        evidence.curve("digits", "rate_0").verdict is False,
        all(evidence.curve("digits", name).verdict is None for name in ("rate_80", "pairflip", "asymmetric")),
        all(evidence.curve("digits", name).verdict is True for name in ("rate_20", "base", "rate_60", "uniform")),
        moved(evidence, "rate_20", "rate_60").high < 0,
    )


def _pruning(text: Text, evidence: Evidence) -> None:
    text.add("### What is pruned, and how")
    text.figure("digits_criteria", "Test accuracy by criterion, and by criterion at initialisation")
    text.figure("digits_scopes", "Test accuracy with weights ranked over all layers, in each layer, and pruned at once")
    named = {
        "base": "magnitude",
        "gradient": "gradient",
        "random": "random",
        "largest": "largest first",
        "snip": "SNIP, at initialisation",
        "synflow": "SynFlow, at initialisation",
        "layer": "magnitude, in each layer",
        "one_shot": "magnitude, one-shot",
    }
    curve_table(text, evidence, "digits", named)
    magnitude, chance = evidence.curve("digits", "base"), evidence.curve("digits", "random")
    text.say(
        f"Random pruning has the highest peak of this table, {_at(chance, 'test_acc', 'peak')} with "
        f"{remaining(chance.remaining[_place(chance, 'peak')])} of the weights, and collapses where magnitude pruning still climbs "
        f"to its own, {_at(magnitude, 'test_acc', 'peak')} with {remaining(magnitude.remaining[_place(magnitude, 'peak')])}. Its fall "
        "before that, like SNIP's and that of the largest first, is too shallow to be decided. One-shot pruning falls and climbs too, and "
        "then collapses as random pruning does.",
        evidence.curve("digits", "largest").verdict is None,
        float(evidence.curve("digits", "one_shot").mean("test_acc")[-1]) < 0.2,
        float(chance.mean("test_acc")[-1]) < 0.2,
        all(_peak(evidence, name) <= _peak(evidence, "random") for name in named),
        chance.remaining[_place(chance, "peak")] > magnitude.remaining[_place(magnitude, "peak")],
        chance.verdict is None,
        evidence.curve("digits", "snip").verdict is None,
        evidence.curve("digits", "one_shot").verdict is True,
    )


def _place(curve: CurveEvidence, which: str) -> int:
    """Return the index of trough or peak of the mean curve."""
    return int(getattr(curve.mean_phases, which))


def _peak(evidence: Evidence, name: str) -> float:
    """Return the test accuracy at the peak of a mean curve."""
    curve = evidence.curve("digits", name)
    return float(curve.mean("test_acc")[_place(curve, "peak")])


def _retraining(text: Text, evidence: Evidence) -> None:
    text.add("### Retraining")
    text.figure("digits_retraining", "Test accuracy by retraining mode, and by the step rewound to")
    named = {
        "base": "lottery, rewound to step 0",
        "rewind_40": "lottery, rewound to step 40",
        "rewind_200": "lottery, rewound to step 200",
        "lr_rewind": "learning-rate rewinding",
        "finetune": "fine-tuning at 0.001",
        "scratch": "from scratch",
    }
    curve_table(text, evidence, "digits", named)
    on, fine = evidence.curve("digits", "lr_rewind"), evidence.curve("digits", "finetune")
    text.say(
        f"Training on from the last level's weights at the full rate (`digits_mlp` has no schedule to rewind) falls deepest, "
        f"{points(on.interval('depth'))} points, and its peak stays below the dense networks. Fine-tuning hardly falls: "
        f"{points(fine.interval('depth'))} points, which is not decided. Weights from the initialisation, from an early step, or fresh at "
        "each level all show the double descent.",
        all(
            on.interval("depth").low > evidence.curve("digits", name).interval("depth").high
            for name in named
            if name != "lr_rewind"
        ),
        on.interval("gain").high < 0,
        fine.verdict is None,
        all(evidence.curve("digits", name).verdict is True for name in ("base", "rewind_40", "rewind_200", "scratch")),
    )


@dataclass(frozen=True)
class TicketLevels:
    """Where winning tickets lose and win against fresh weights, with Holm's correction.

    Attributes:
        pairs: Compared.
        levels: Pruned ones.
        lost: Those at which fresh weights are better, as `pair_groups` tells them.
        won: Those at which tickets are.
        overall: Fresh minus tickets, mean over all levels.
    """

    pairs: int
    levels: int
    lost: Sequence[Mapping[str, Any]]
    won: Sequence[Mapping[str, Any]]
    overall: Interval

    @property
    def most_lost(self) -> Interval:
        """By how much fresh weights are better where they are so most."""
        return ends_of(max(self.lost, key=lambda level: float(level["mean"])), "mean")

    @property
    def most_won(self) -> Interval:
        """By how much tickets are better where they are so most."""
        return _turned(ends_of(min(self.won, key=lambda level: float(level["mean"])), "mean"))


def best_and_worst(evidence: Evidence) -> TicketLevels:
    """Return where winning tickets of the digits lose and win."""
    comparison = evidence.tickets("reinitialised")
    levels = [level for level in comparison["levels"] if level["level"] > 0]
    lost, won = ([one for one in levels if one[f"{side}_wins_holm"]] for side in ("reinit", "lottery"))
    return TicketLevels(len(comparison["pairs"]), len(levels), lost, won, ends_of(comparison["overall"], "mean"))


def _tickets(text: Text, evidence: Evidence) -> None:
    found = best_and_worst(evidence)
    text.add("### Winning tickets")
    text.figure("digits_tickets", "Winning tickets against fresh weights under the same masks, pair by pair")
    most, best = (
        choose(side, key=lambda one: float(one["mean"])) for choose, side in ((max, found.lost), (min, found.won))
    )
    text.say(
        f"Under the same masks ({found.pairs} pairs) fresh weights beat the tickets at {len(found.lost)} of {found.levels} levels, by "
        f"up to {points(found.most_lost)} points with {remaining(1 - most['sparsity'])} of the weights, and lose at "
        f"{len(found.won)}, by up to {points(_turned(ends_of(best, 'mean')))} points with {remaining(1 - best['sparsity'])} (Holm's correction). "
        f"Over all levels fresh weights differ from tickets by {points(found.overall, sign=True)} points."
    )
    text.figure("digits_controls", "Tickets, fresh weights, and both under masks shuffled within each layer")
    named = {
        "base": "winning tickets",
        "reinitialised": "fresh weights",
        "shuffled": "tickets' weights, masks shuffled",
        "shuffled_reinitialised": "fresh weights, masks shuffled",
    }
    curve_table(text, evidence, "digits", named)


def _epochs(text: Text, evidence: Evidence) -> None:
    text.add("### Epochs of a level, and the best of them")
    text.figure("digits_epochs", "Accuracies and memorisation over the epochs of four levels")
    text.figure("digits_best", "Test accuracy at a level's end, and the best of its epochs")
    rows = []
    for name, words in {"rate_20": "20 %", "base": "40 %", "rate_60": "60 %", "rate_80": "80 %"}.items():
        curve = evidence.curve("digits", name)
        depth, recovery, found = best_phases(curve)
        best = curve.mean("best_test_acc")
        rows.append(
            (
                words,
                str(curve.seeds),
                percent(best[0]),
                percent(best.max()),
                points(depth, sign=True),
                points(recovery, sign=True),
                verdict(found),
            )
        )
    text.table(("noise", "seeds", "dense, best epoch", "best level", "depth", "recovery", "double descent"), rows)
    heavy, light = best_phases(evidence.curve("digits", "rate_60")), best_phases(evidence.curve("digits", "rate_20"))
    best = evidence.curve("digits", "rate_60").mean("best_test_acc")
    lowest = int(best[: int(best.argmax())].argmin())
    text.say(
        "Dense networks and those at the trough test best after a few epochs, before they learn the wrong labels. The best epoch is chosen "
        f"on the test set itself. With 20 % noise a depth of {points(light[0])} points is left. With 60 % the best epochs fall by "
        f"{points(heavy[0])} points and climb again by {points(heavy[1])} points, but at level {lowest}, long before the trough of the "
        "levels' ends, and where the best epoch is among the first: looking more often than once in 8 steps might fill that dip.",
        lowest < 5,
        float(np.median(evidence.curve("digits", "rate_60").values("best_epoch")[:, lowest])) <= 3,
        heavy[2] is True,
        light[0].high < 0.02,
    )


def _distance(text: Text, evidence: Evidence) -> None:
    curve = evidence.curve("digits", "base")
    turn, distance = curve.analysis["turning_point"], curve.mean("distance")
    text.add("### Learning distance")
    text.figure("digits_distance", "Three learning distances and test accuracy")
    text.say(
        f"The paper's D, from the dense initialisation with removed weights at zero, falls from {number(float(distance[0]))} to "
        f"{number(float(distance.min()))} at level {int(distance.argmin())}, climbs to {number(float(distance.max()))}, turns at level "
        f"{interval(ends_of(turn['level']), 1)}, {interval(ends_of(turn['levels_from_trough']), 1, sign=True)} levels from the trough, and "
        f"falls by {interval(ends_of(turn['decline']), 1)} after it. Correlations within phases are those between each seed's own dense "
        "level, trough and peak, which the same accuracies choose. Rewound to step 0, the other two distances are one.",
        0 < int(distance.argmin()) < int(distance.argmax()),
        bool((curve.values("distance_init") == curve.values("distance_start")).all()),
    )
    correlations(
        text,
        curve,
        {
            "distance": "`distance`, the paper's D",
            "distance_init": "`distance_init`",
            "distance_start": "`distance_start`",
        },
    )


def _flatness(text: Text, evidence: Evidence) -> None:
    curve = evidence.curve("digits", "base")
    text.add("### Flatness")
    text.figure("digits_flatness", "Flatness and test accuracy, over the surviving weights")
    names = ("hessian_top", "hessian_trace", "sharpness", "effective_dimension")
    correlations(text, curve, {name: f"`{name}`" for name in names})
    trace, phases = curve.mean("hessian_trace"), curve.mean_phases
    assert phases.trough is not None
    text.say(
        f"By trace the loss is sharpest near the trough ({number(float(trace.max()), 0)}), and dense networks "
        f"({number(float(trace[0]), 0)}), those of the peak ({number(float(trace[_place(curve, 'peak')]), 0)}) and the last "
        f"({number(float(trace[-1]), 0)}) are all flat, though their accuracies lie up to "
        f"{number(100 * float(curve.mean('test_acc').max() - curve.mean('test_acc')[0]))} points apart; by sharpness the dense ones are flatter "
        "than those of the peak. Still the trace follows accuracy over the whole curve more closely than the paper's distance does "
        f"({number(spearman(curve, 'hessian_trace').estimate, 2)} against {number(spearman(curve, 'distance').estimate, 2)}), and the effective "
        "dimension more closely yet. All of these are over the surviving weights, which are fewer and fewer directions.",
        spearman(curve, "hessian_trace").high < spearman(curve, "distance").low,
        spearman(curve, "effective_dimension").estimate < spearman(curve, "hessian_trace").estimate,
        float(curve.mean("sharpness")[0]) < float(curve.mean("sharpness")[_place(curve, "peak")]),
        abs(int(trace.argmax()) - phases.trough) <= 2,
        max(float(trace[0]), float(trace[_place(curve, "peak")])) < 0.3 * float(trace.max()),
        bool(trace[-1] < trace[_place(curve, "peak")]),
    )
    text.figure("digits_spectrum", "Density of the Hessian's eigenvalues at four levels")
    text.figure(
        "digits_loss_curves",
        "Loss along random directions: sparse solutions in surviving and in all weights, re-dense ones",
    )


def _redense(text: Text, evidence: Evidence) -> None:
    text.add("### Re-dense training")
    text.figure("digits_redense", "Sparse solutions, and what releasing their masks makes of them")
    rows = []
    for level, words in {0: "dense", 15: "trough", 28: "near the peak", 34: "last"}.items():
        rows.append(
            (
                f"{words}, level {level}",
                points(grown(evidence, "test_acc", level), sign=True),
                points(grown(evidence, "memorized", level), sign=True),
                interval(times_grown(evidence, "hessian_trace", level), 2),
                interval(times_grown(evidence, "sharpness", level), 2),
            )
        )
    text.table(("level", "test accuracy", "memorised", "trace, times", "sharpness, times"), rows)
    text.figure("digits_paths", "Accuracy on the straight way from the sparse solution to the re-dense one")
    memorised, lost, trace = (
        grown(evidence, "memorized", 28),
        grown(evidence, "test_acc", 28),
        times_grown(evidence, "hessian_trace", 28),
    )
    text.say(
        f"With its masks released, at a rate of 0.01, the network of level 28 learns {points(memorised)} points more of the wrong labels by "
        f"heart and loses {points(_turned(lost))} points of test accuracy; its Hessian's trace, over all weights, becomes "
        f"{interval(trace, 1)} times as large. The collapsed network of the last level gains by it. There is no barrier between the two solutions: on the "
        "straight way training accuracy hardly ever falls.",
        memorised.low > 0,
        lost.high < 0,
        trace.low > 1,
        grown(evidence, "test_acc", 34).low > 0,
        all(_only_climbs(evidence, level) for level in (15, 28, 34)),
        abs(_place(evidence.curve("digits", "base"), "peak") - 28) <= 1,
    )


def _remedies(text: Text, evidence: Evidence) -> None:
    text.add("### Remedies")
    text.figure("digits_remedies", "Test accuracy with penalties, and with other targets")
    text.figure("digits_losses", "Test accuracy with losses that wrong labels pull at less")
    named = {
        "base": "none",
        "decay_0.001": "weight decay 0.001",
        "decay_0.005": "weight decay 0.005",
        "penalty": "distance penalty 0.001",
        "smoothing": "label smoothing 0.1",
        "distilled": "distillation from level 28",
        "generalized": "generalised cross-entropy",
        "symmetric": "symmetric cross-entropy",
    }
    curve_table(text, evidence, "digits", named)
    plain, general, taught = (evidence.curve("digits", name) for name in ("base", "generalized", "distilled"))
    text.say(
        "None is shown to dodge the double descent; with a weight decay of 0.005 and with label smoothing it is not decided whether it "
        f"remains. The trough is at {_at(plain, 'test_acc', 'trough')} without a remedy, {_at(taught, 'test_acc', 'trough')} where level 28 of "
        f"the unremedied run of the same seed teaches, {_at(general, 'test_acc', 'trough')} with generalised cross-entropy, whose dense "
        f"networks, at {percent(general.mean('test_acc')[0])}, are better than any pruned one.",
        all(evidence.curve("digits", name).verdict is not False for name in named),
        [name for name in named if evidence.curve("digits", name).verdict is None] == ["decay_0.005", "smoothing"],
        bool(
            general.mean("test_acc")[0]
            > max(evidence.curve("digits", name).mean("test_acc")[1:].max() for name in named)
        ),
    )


def _calibration(text: Text, evidence: Evidence) -> None:
    curve = evidence.curve("digits", "base")
    text.add("### Calibration and activation entropy")
    text.figure("digits_calibration", "Expected calibration error, and entropy of the activations with test accuracy")
    error = curve.mean("test_ece")
    lowest = int(error.argmin())
    text.say(
        f"Dense networks are off by {percent(error[0])} (expected calibration error on the test set), those with "
        f"{remaining(curve.remaining[lowest])} of the weights by {percent(error[lowest])}, which is on the way from the trough to the "
        f"peak; at the peak it is {percent(error[_place(curve, 'peak')])}: the best networks are too cautious, perhaps because they "
        "learn to doubt labels of which many are wrong.",
        bool(error[_place(curve, "peak")] > 1 - curve.mean("test_acc")[_place(curve, "peak")]),
        _place(curve, "trough") < lowest < _place(curve, "peak"),
        bool(error[_place(curve, "peak")] > error[lowest] + 0.05),
    )
    names = ("test_ece", "activation_entropy")
    correlations(text, curve, {name: f"`{name}`" for name in names})


def _width(text: Text, evidence: Evidence) -> None:
    text.add("### Width instead of sparsity")
    text.figure("digits_width", "Pruned networks, and dense ones of several widths, over their number of weights")
    widths, pruned = evidence.widths(), evidence.curve("digits", "base")
    accuracy, left = widths.mean("test_acc"), widths.mean("remaining")
    best, lowest = int(accuracy.argmax()), int(accuracy[: int(accuracy.argmax())].argmin())
    found = bootstrap_phases(widths.values("test_acc"), 1 - left / left[0])
    text.say(
        "Dense networks with the same ratio of widths, 300-100 down to 3-1, fall to "
        f"{percent(accuracy[lowest])} with {left[lowest]:,.0f} weights, climb to {percent(accuracy[best])} with "
        f"{left[best]:,.0f}, and then collapse, where pruned ones of as many weights are yet to climb to "
        f"{percent(pruned.mean('test_acc').max())}. Depth is {points(found.depth)} points; it is not decided whether widths "
        "have a double descent. No width reaches what pruning does; but narrowing shrinks the output layer too, which pruning leaves whole.",
        lowest > 0,
        bool(accuracy[best] < pruned.mean("test_acc").max()),
        found.double_descent is None,
    )


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


def _turned(held: Interval) -> Interval:
    """Return the interval of the other sign."""
    return Interval(-held.estimate, -held.high, -held.low)


def _only_climbs(evidence: Evidence, level: int) -> bool:
    """Tell whether mean training accuracy never falls by more than a point below what it was on the way to re-dense."""
    runs = evidence.curve("digits", "redense").group.runs
    tables = [[row for row in read_table(run.path / "interpolation.csv") if row["level"] == level] for run in runs]
    mean = np.array([[row["train_acc"] for row in rows] for rows in tables]).mean(axis=0)
    return bool((np.maximum.accumulate(mean) - mean).max() < 0.01)
