"""What RESULTS.md says of what was measured on digits: epochs, distance, flatness, re-dense training, calibration."""

import numpy as np

from results.claims import RATES, best_phases, grown, spearman, times_grown
from results.evidence import Evidence, ends_of, turned
from results.tables import correlations, place
from results.wording import Text, interval, number, percent, points, remaining, verdict
from sdd.callbacks import FlatnessMeasures
from sdd.files import read_table


def epochs_section(text: Text, evidence: Evidence) -> None:
    """Add the section on the epochs of a level."""
    text.add("### Epochs of a level, and the best of them")
    text.figure("digits_epochs", "Accuracies and memorisation over the epochs of four levels")
    text.figure("digits_best", "Test accuracy at a level's end, and the best of its epochs")
    rows = []
    for name, words in RATES.items():
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
    plain = evidence.curve("digits", "base")
    text.say(
        "Dense networks and those at the trough test best after a few epochs, before they learn the wrong labels. The best epoch is chosen "
        f"on the test set itself. With 20 % noise they fall by {number(100 * light[0].high)} points at most. With 60 % the best epochs fall by "
        f"{points(heavy[0])} points and climb again by {points(heavy[1])} points, but at level {lowest}, long before the trough of the "
        "levels' ends, and where the best epoch is among the first: looking more often than once in 8 steps might fill that dip.",
        bool(np.median(plain.values("best_epoch")[:, [0, place(plain, "trough")]]) < 10),
        lowest < 5,
        float(np.median(evidence.curve("digits", "rate_60").values("best_epoch")[:, lowest])) <= 3,
        heavy[2] is True,
        light[0].high < 0.02,
    )


def distance_section(text: Text, evidence: Evidence) -> None:
    """Add the section on the learning distance."""
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


def flatness_section(text: Text, evidence: Evidence) -> None:
    """Add the section on flatness."""
    curve = evidence.curve("digits", "base")
    text.add("### Flatness")
    text.figure("digits_flatness", "Flatness and test accuracy, over the surviving weights")
    names = ("hessian_top", "hessian_trace", "sharpness", "effective_dimension")
    correlations(text, curve, {name: f"`{name}`" for name in names})
    trace, phases = curve.mean("hessian_trace"), curve.mean_phases
    error, measured = curve.mean("hessian_trace_error"), FlatnessMeasures()
    assert phases.trough is not None
    text.say(
        f"On {measured.examples} training examples with their noisy labels, sharpness within ρ = {measured.rho}, the trace by "
        f"{measured.trace_probes} probes with a standard error of {percent(float((error / trace).max()), 0)} of it at most. "
        f"By trace the loss is sharpest near the trough ({number(float(trace.max()), 0)}), and dense networks "
        f"({number(float(trace[0]), 0)}), those of the peak ({number(float(trace[place(curve, 'peak')]), 0)}) and the last "
        f"({number(float(trace[-1]), 0)}) are all flat, though their accuracies lie up to "
        f"{number(100 * float(curve.mean('test_acc').max() - curve.mean('test_acc')[0]))} points apart; by sharpness the dense ones are flatter "
        "than those of the peak. Still the trace follows accuracy over the whole curve more closely than the paper's distance does "
        f"({number(spearman(curve, 'hessian_trace').estimate, 2)} against {number(spearman(curve, 'distance').estimate, 2)}), and the effective "
        "dimension more closely yet. All of these are over the surviving weights, which are fewer and fewer directions.",
        spearman(curve, "hessian_trace").high < spearman(curve, "distance").low,
        spearman(curve, "effective_dimension").estimate < spearman(curve, "hessian_trace").estimate,
        float(curve.mean("sharpness")[0]) < float(curve.mean("sharpness")[place(curve, "peak")]),
        abs(int(trace.argmax()) - phases.trough) <= 2,
        max(float(trace[0]), float(trace[place(curve, "peak")])) < 0.3 * float(trace.max()),
        bool(trace[-1] < trace[place(curve, "peak")]),
    )
    text.figure("digits_spectrum", "Density of the Hessian's eigenvalues at four levels")
    text.figure(
        "digits_loss_curves",
        "Loss along random directions: sparse solutions in surviving and in all weights, re-dense ones",
    )


def redense_section(text: Text, evidence: Evidence) -> None:
    """Add the section on re-dense training."""
    text.add("### Re-dense training")
    text.figure("digits_redense", "Sparse solutions, and what releasing their masks makes of them, in all weights")
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
    flatter = times_grown(evidence, "hessian_trace", 15), times_grown(evidence, "sharpness", 15)
    text.say(
        f"With its masks released, at a rate of 0.01, the network of level 28 learns {points(memorised)} points more of the wrong labels by "
        f"heart and loses {points(turned(lost))} points of test accuracy; its Hessian's trace, over all weights, becomes "
        f"{interval(trace, 2)} times as large. At the trough it becomes {interval(flatter[0], 2)} times as large, and the sharpness "
        f"{interval(flatter[1], 2)} times: there the solution with more of the wrong labels by heart is the flatter one. The collapsed network of the last level gains by it. There is no barrier between the two solutions: on the "
        "straight way training accuracy hardly ever falls.",
        memorised.low > 0,
        lost.high < 0,
        trace.low > 1,
        max(found.high for found in flatter) < 1,
        grown(evidence, "memorized", 15).low > 0,
        abs(place(evidence.curve("digits", "base"), "trough") - 15) <= 1,
        grown(evidence, "test_acc", 34).low > 0,
        all(_only_climbs(evidence, level) for level in (15, 28, 34)),
        abs(place(evidence.curve("digits", "base"), "peak") - 28) <= 1,
    )


def _only_climbs(evidence: Evidence, level: int) -> bool:
    """Tell whether mean training accuracy never falls by more than a point below what it was on the way to re-dense."""
    runs = evidence.curve("digits", "redense").group.runs
    tables = [[row for row in read_table(run.path / "interpolation.csv") if row["level"] == level] for run in runs]
    mean = np.array([[row["train_acc"] for row in rows] for rows in tables]).mean(axis=0)
    return bool((np.maximum.accumulate(mean) - mean).max() < 0.01)


def calibration_section(text: Text, evidence: Evidence) -> None:
    """Add the section on calibration and entropy."""
    curve = evidence.curve("digits", "base")
    text.add("### Calibration and activation entropy")
    text.figure("digits_calibration", "Expected calibration error, and entropy of the activations with test accuracy")
    error = curve.mean("test_ece")
    lowest = int(error.argmin())
    text.say(
        f"Dense networks are off by {percent(error[0])} (expected calibration error on the test set), those with "
        f"{remaining(curve.remaining[lowest])} of the weights by {percent(error[lowest])}, which is on the way from the trough to the "
        f"peak; at the peak it is {percent(error[place(curve, 'peak')])}: the best networks are too cautious, perhaps because they "
        "learn to doubt labels of which many are wrong.",
        bool(error[place(curve, "peak")] > 1 - curve.mean("test_acc")[place(curve, "peak")]),
        place(curve, "trough") < lowest < place(curve, "peak"),
        bool(error[place(curve, "peak")] > error[lowest] + 0.05),
    )
    names = ("test_ece", "activation_entropy")
    correlations(text, curve, {name: f"`{name}`" for name in names})
