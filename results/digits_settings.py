"""What RESULTS.md says of digits trained otherwise: noise, pruning, retraining, tickets, remedies, widths."""

from results.claims import moved
from results.evidence import Evidence, widths_phases
from results.tables import at, curve_table, place
from results.ticket_levels import best_and_worst
from results.wording import Text, interval, number, percent, points, remaining
from sdd.data.datasets.mnist import LOOK_ALIKES


def phases_section(text: Text, evidence: Evidence) -> None:
    """Add the section on the four phases."""
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
        f"At the trough, with {remaining(curve.remaining[phases.trough])} of the weights, {at(curve, 'memorized', 'trough')} are "
        f"still memorised and accuracy is down to {at(curve, 'test_acc', 'trough')}: depth {points(curve.interval('depth'))} "
        f"points. At the peak, with {remaining(curve.remaining[phases.peak])}, {at(curve, 'memorized', 'peak')} are memorised, and "
        f"accuracy is {at(curve, 'test_acc', 'peak')}, {points(curve.interval('gain'))} points above the dense networks'. "
        f"With the last {number(curve.mean('remaining')[-1], 0)} weights it is {percent(curve.mean('test_acc')[-1])}.",
        bool(memorised[phases.peak] < memorised[phases.trough] < memorised[0] + 1e-9),
        curve.verdict is True,
    )


def noise_section(text: Text, evidence: Evidence) -> None:
    """Add the section on noise."""
    text.add("### Noise")
    text.figure("digits_noise", "Test and training accuracy by noise rate")
    rates = {"rate_0": "clean", "rate_20": "20 %", "base": "40 %", "rate_60": "60 %", "rate_80": "80 %"}
    types = {"uniform": "uniform, 40 %", "pairflip": "pairflip, 40 %", "asymmetric": "asymmetric, 40 %"}
    wrong = {name: evidence.curve("digits", name).counts("train")[1] for name in types}
    curve_table(text, evidence, "digits", rates | types)
    text.figure("digits_noise_types", "Test accuracy by type of noise")
    text.say(
        "At one rate the types make different numbers of labels wrong: uniform noise may draw the true class again, and asymmetric noise "
        f"moves four of the ten digits alone, each to one that looks like it ({wrong['asymmetric']} wrong labels of 1,000 here; MNIST's pairs of "
        "digits, `sdd.reproduce.digit_mistakes`). So these curves differ in type and amount.",
        wrong["asymmetric"] < wrong["uniform"] < wrong["pairflip"],
        evidence.curve("digits", "asymmetric").counts("train")[0] == 1000,
        len(LOOK_ALIKES) == 4,
    )
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


def pruning_section(text: Text, evidence: Evidence) -> None:
    """Add the section on what is pruned."""
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
        f"Random pruning has the highest peak of this table, {at(chance, 'test_acc', 'peak')} with "
        f"{remaining(chance.remaining[place(chance, 'peak')])} of the weights, and collapses where magnitude pruning still climbs "
        f"to its own, {at(magnitude, 'test_acc', 'peak')} with {remaining(magnitude.remaining[place(magnitude, 'peak')])}. Its fall "
        "before that, like SNIP's and that of the largest first, is too shallow to be decided. One-shot pruning falls and climbs too, and "
        "then collapses as random pruning does.",
        evidence.curve("digits", "largest").verdict is None,
        float(evidence.curve("digits", "one_shot").mean("test_acc")[-1]) < 0.2,
        float(chance.mean("test_acc")[-1]) < 0.2,
        all(_peak(evidence, name) <= _peak(evidence, "random") for name in named),
        chance.remaining[place(chance, "peak")] > magnitude.remaining[place(magnitude, "peak")],
        chance.verdict is None,
        evidence.curve("digits", "snip").verdict is None,
        evidence.curve("digits", "one_shot").verdict is True,
    )


def _peak(evidence: Evidence, name: str) -> float:
    """Return the test accuracy at the peak of a mean curve."""
    curve = evidence.curve("digits", name)
    return float(curve.mean("test_acc")[place(curve, "peak")])


def retraining_section(text: Text, evidence: Evidence) -> None:
    """Add the section on retraining."""
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


def tickets_section(text: Text, evidence: Evidence) -> None:
    """Add the section on winning tickets."""
    found = best_and_worst(evidence)
    text.add("### Winning tickets")
    text.figure("digits_tickets", "Winning tickets against fresh weights under the same masks, pair by pair")
    (worse, left), (better, left_there) = found.worst, found.best
    text.say(
        f"Under the same masks ({found.pairs} pairs) fresh weights beat the tickets at {len(found.lost)} of {found.levels} levels and lose "
        f"at {len(found.won)} (Holm's correction): by up to {points(worse)} points with {remaining(left)} of the weights, and up to "
        f"{points(better)} points with {remaining(left_there)} (intervals of those levels alone, uncorrected). "
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


def remedies_section(text: Text, evidence: Evidence) -> None:
    """Add the section on remedies."""
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
        f"remains. The trough is at {at(plain, 'test_acc', 'trough')} without a remedy, {at(taught, 'test_acc', 'trough')} where level 28 of "
        f"the unremedied run of the same seed teaches, {at(general, 'test_acc', 'trough')} with generalised cross-entropy, whose dense "
        f"networks, at {percent(general.mean('test_acc')[0])}, are better than any pruned one.",
        all(evidence.curve("digits", name).verdict is not False for name in named),
        [name for name in named if evidence.curve("digits", name).verdict is None] == ["decay_0.005", "smoothing"],
        bool(
            general.mean("test_acc")[0]
            > max(evidence.curve("digits", name).mean("test_acc")[1:].max() for name in named)
        ),
    )


def width_section(text: Text, evidence: Evidence) -> None:
    """Add the section on width instead of sparsity."""
    text.add("### Width instead of sparsity")
    text.figure("digits_width", "Pruned networks, and dense ones of several widths, over their number of weights")
    widths, pruned = evidence.widths(), evidence.curve("digits", "base")
    accuracy, left = widths.mean("test_acc"), widths.mean("remaining")
    best, lowest = int(accuracy.argmax()), int(accuracy[: int(accuracy.argmax())].argmin())
    found = widths_phases(evidence)
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
