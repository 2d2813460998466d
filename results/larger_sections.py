"""What RESULTS.md says of MNIST and of convolutional networks."""

from collections.abc import Sequence

from results.claims import CLEAN, FOLLOWS, SETTINGS, spearman
from results.evidence import CurveEvidence, Evidence, ends_of
from results.tables import correlations, curve_table, place
from results.wording import Text, interval, number, percent, points, remaining

_SAME = {"model.optimizer.init_args.lr": 0.1, "pruning.retrain": "lottery", "pruning.criterion": "magnitude"}
_MNIST = _SAME | {
    "data.noise_type": "uniform",
    "model.net.init_args.widths": [300, 100],
    "model.optimizer.init_args.momentum": 0.0,
    "model.lr_scheduler": None,
    "pruning.arithmetic": "auto",
    "pruning.fraction": 0.2,
    "pruning.levels": 30,
    "pruning.rewind_steps": 0,
}
_NARROW = _SAME | {
    "data.augment": "none",
    "data.image_size": 16,
    "data.noise_rate": 0.4,
    "data.noise_type": "symmetric",
    "model.lr_scheduler.init_args.milestones": [10, 15],
    "model.net.init_args.width": 8,
    "model.optimizer.init_args.momentum": 0.9,
    "model.optimizer.init_args.weight_decay": 1e-4,
    "pruning.epochs_per_level": 20,
    "pruning.fraction": 0.36,
    "pruning.levels": 12,
}
_REWOUND = {"resnet18": 60, "vgg16": 120}


def mnist_section(text: Text, evidence: Evidence) -> None:
    """Add the section on MNIST, of what is kept."""
    text.add("## MNIST")
    every = [evidence.curve(task, name) for task in ("mnist_6000", "mnist") for name in _named(evidence, task)]
    reduced = [curve for curve in every if curve.task == "mnist_6000"]
    text.say(
        "LeNet-300-100, SGD at a constant rate of 0.1, uniform noise (a rate of 20 % leaves 18 % of the labels wrong), winning "
        "tickets rewound to the initialisation, 30 prunings by a fifth, sparse arithmetic where it is faster.",
        all(curve.is_set(_MNIST) for curve in every),
        all(_wrong(curve) == 0.18 for curve in every if curve.is_set({"data.noise_rate": 0.2})),
    )
    if evidence.has("mnist_6000", "rate_20"):
        text.say("### 6,000 images, 60 epochs a level", *(_is_of(curve, 6000, 60) for curve in reduced))
        text.figure("mnist_6000", "Accuracies over the weights that remain, phases shaded, by noise rate")
        curve_table(text, evidence, "mnist_6000", _named(evidence, "mnist_6000"))
        clean, heavy = evidence.curve("mnist_6000", "rate_0"), evidence.curve("mnist_6000", "rate_80")
        accuracy = heavy.mean("test_acc")
        text.say(
            "Every noise rate has a double descent, clean labels have none. With 80 % noise the sparsest networks test at "
            f"{percent(accuracy[-1])}, dense ones at {percent(accuracy[0])}: no collapse is seen by {remaining(heavy.remaining[-1])}.",
            int(accuracy.argmax()) >= len(accuracy) - 2,
            clean.verdict is False,
            all(evidence.curve("mnist_6000", f"rate_{rate}").verdict is True for rate in (20, 40, 80)),
        )
        text.figure("mnist_6000_distance", "The paper's learning distance and test accuracy")
        _turning_table(text, evidence, "mnist_6000")
    if all(evidence.has("mnist", f"rate_{rate}") for rate in (20, 40, 80)):
        text.say(
            "### The paper's recipe: 60,000 images, 200 epochs a level",
            *(_is_of(curve, 60_000, 200) for curve in every if curve not in reduced),
        )
        text.figure("mnist", "Accuracies and memorisation, and the paper's learning distance")
        curve_table(text, evidence, "mnist", _named(evidence, "mnist"))
        _turning_table(text, evidence, "mnist")
        _papers_recipe(text, evidence)


def _papers_recipe(text: Text, evidence: Evidence) -> None:
    """Add what the paper's recipe of MNIST shows."""
    light, _, heavy = curves = [evidence.curve("mnist", f"rate_{rate}") for rate in (20, 40, 80)]
    troughs = [place(curve, "trough") for curve in curves]
    peaks = [percent(curve.mean("test_acc").max()) for curve in curves]
    more = [remaining(curve.remaining[at]) for curve, at in zip(curves[1:], troughs[1:], strict=True)]
    text.say(
        f"One seed a rate. All three fall and climb again. The trough lies at {remaining(light.remaining[troughs[0]])} of the weights with "
        f"20 % noise, at {' and '.join(dict.fromkeys(more))} with 40 and 80 %, as if, like on digits, more wrong labels took more weights to "
        f"be learnt by heart. The peaks are {peaks[0]}, {peaks[1]} and {peaks[2]}, the last with "
        f"{remaining(heavy.remaining[place(heavy, 'peak')])} of the weights and {percent(_wrong(heavy), 0)} of the labels wrong, where the dense "
        f"network tests at {percent(heavy.mean('test_acc')[0])}.",
        all(curve.verdict is True and curve.seeds == 1 for curve in curves),
        troughs[0] > max(troughs[1:]),
    )
    first, second, third = (curve.analysis["turning_point"]["per_seed"][0] for curve in curves)
    follow = [spearman(curve, "distance").estimate for curve in curves]
    fewer = [spearman(evidence.curve("mnist_6000", curve.name), "distance") for curve in curves]
    text.say(
        f"The paper's learning distance follows test accuracy over the whole curve in all three (Spearman {_three(follow)}), which it does not "
        f"with 6,000 images and 60 epochs ({interval(fewer[0], 2)}, {interval(fewer[1], 2)} and {interval(fewer[2], 2)}), where it stays high to "
        f"the end. With 20 and 40 % it first climbs, by {number(first['rise'])} and {number(second['rise'])}, and turns within a level of the "
        f"trough, as the paper says. With 80 % it hardly climbs (by {number(third['rise'])}) and falls from level {third['level']} on.",
        max(follow) < -FOLLOWS < min(one.low for one in fewer),
        all(turn["decline"] > turn["rise"] for turn in (first, second, third)),
        all(abs(turn["levels_from_trough"]) <= 1 for turn in (first, second)),
        third["rise"] < 0.5,
    )
    minutes = [round(sum(float(row["seconds"]) for row in curve.group.runs[0].rows) / 60) for curve in curves]
    text.say(
        f"They took {minutes[0]}, {minutes[1]} and {minutes[2]} minutes, each on one core, the last two beside other work.",
        minutes[0] < min(minutes[1:]),
    )


def _three(values: Sequence[float]) -> str:
    return "{}, {} and {}".format(*(number(value, 2) for value in values))


def convolutional_section(text: Text, evidence: Evidence) -> None:
    """Add the section on convolutional networks, of what is kept."""
    text.add("## Convolutional networks")
    there = {
        task: words
        for task, words in {"resnet18": "ResNet-18", "vgg16": "VGG-16"}.items()
        if evidence.has(task, "rate_40")
    }
    every = [evidence.curve(task, "rate_40") for task in there]
    text.say(
        "Narrow networks on 4,000 training and 10,000 test images of CIFAR-10 as lossy JPEG, seen at 16 pixels, so no number here is "
        "one of CIFAR-10: width 8, 40 % symmetric noise, no augmentation, SGD 0.1 with momentum 0.9, decay 1e-4 and two steps of the "
        "rate, 20 epochs a level, 12 prunings by 36 %, tickets rewound to step 60 (ResNet-18) and 120 (VGG-16).",
        all(curve.is_set(_NARROW | {"pruning.rewind_steps": _REWOUND[curve.task]}) for curve in every),
        all([curve.counts(part)[0] for part in ("train", "test")] == [4000, 10000] for curve in every),
    )
    if there:
        text.figure(
            "convolutional", "Accuracies and memorisation, and the paper's learning distance with test accuracy"
        )
    for task, words in there.items():
        text.add(f"### {words}")
        curve_table(text, evidence, task, {"rate_40": "40 %"})
        curve = evidence.curve(task, "rate_40")
        names = ("distance", "distance_start")
        if curve.verdict and curve.seeds > 2:
            correlations(text, curve, {name: f"`{name}`" for name in names})
        else:
            text.table(
                ("Spearman of test accuracy with", "all levels"),
                [(f"`{name}`", interval(spearman(curve, name), 2)) for name in names],
            )
    if "resnet18" in there:
        curve = evidence.curve("resnet18", "rate_40")
        learnt = curve.mean("memorized")
        text.say(
            f"ResNet-18's accuracy falls by {points(curve.interval('depth'))} points and climbs again over the seeds; by the mean curve alone, "
            f"whose phases the figure would shade, that is not decided. Over {curve.seeds} seeds its peak is "
            f"not shown to lie above the dense networks ({points(curve.interval('gain'), sign=True)}). Dense networks have memorised "
            f"{percent(learnt[0])} of the wrong labels after 20 epochs, those with {remaining(curve.remaining[int(learnt.argmax())])} of "
            f"the weights {percent(learnt.max())}. The paper's distance does not turn: it climbs to the last level, as the paper says of "
            "CIFAR that it has no distinct peak.",
            curve.interval("gain").low < 0,
            curve.verdict is True,
            curve.mean_phases.double_descent is None,
            curve.analysis["turning_point"]["turning"] == 0,
        )
    if "vgg16" in there:
        curve = evidence.curve("vgg16", "rate_40")
        learnt = curve.mean("memorized")
        text.say(
            f"VGG-16 of this width does not overfit in 20 epochs: it has memorised {percent(learnt[0])} of the wrong labels dense and "
            f"{percent(learnt.max())} at most. So nothing is expected to be aggravated by pruning, "
            "and whether there is a double descent is not decided. A wider or longer trained one is to be tried.",
            bool(learnt.max() < 0.3),
            curve.verdict is None,
        )


def _is_of(curve: CurveEvidence, images: int, epochs: int) -> bool:
    """Whether a curve is trained on so many images, so many epochs a level."""
    return curve.counts("train")[0] == images and curve.is_set({"pruning.epochs_per_level": epochs})


def _wrong(curve: CurveEvidence) -> float:
    """Return the fraction of wrong labels to two digits."""
    examples, wrong = curve.counts("train")
    return round(wrong / examples, 2)


def _named(evidence: Evidence, task: str) -> dict[str, str]:
    """Return what is kept of a task, by words for its noise."""
    places = [*SETTINGS, *CLEAN]
    return {
        name: "clean" if name == "rate_0" else f"{name.removeprefix('rate_')} %"
        for of, name in places
        if of == task and evidence.has(of, name)
    }


def _turning_table(text: Text, evidence: Evidence, task: str) -> None:
    """Add where the paper's learning distance turns, of the curves with wrong labels."""
    rows = []
    for name, words in _named(evidence, task).items():
        if name == "rate_0":
            continue
        curve = evidence.curve(task, name)
        turn = curve.analysis["turning_point"]
        cells = [_cell(turn.get(key)) for key in ("level", "levels_from_trough", "rise", "decline")]
        row = (words, f"{turn.get('turning', 0)} of {curve.seeds}", *cells, interval(spearman(curve, "distance"), 2))
        rows.append(row)
    text.table(
        ("noise", "turns inside", "at level", "levels from the trough", "rise", "decline", "Spearman, all levels"), rows
    )


def _cell(found: dict[str, float | None] | None) -> str:
    if not found or found.get("estimate") is None:
        return "–"
    return interval(ends_of(found), 1)
