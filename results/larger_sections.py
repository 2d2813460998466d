"""What RESULTS.md says of MNIST and of convolutional networks."""

from results.claims import CLEAN, SETTINGS, spearman
from results.evidence import CurveEvidence, Evidence, ends_of
from results.tables import correlations, curve_table
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
    if evidence.has("mnist", "rate_20"):
        text.say(
            "### The paper's recipe: 60,000 images, 200 epochs a level",
            *(_is_of(curve, 60_000, 200) for curve in every if curve not in reduced),
        )
        text.figure("mnist", "Accuracies and memorisation, and the paper's learning distance")
        curve_table(text, evidence, "mnist", _named(evidence, "mnist"))
        curve, fewer = evidence.curve("mnist", "rate_20"), evidence.curve("mnist_6000", "rate_20")
        (turn,) = curve.analysis["turning_point"]["per_seed"]
        text.say(
            "With all images and epochs the paper's learning distance does what the paper says: at 20 % noise it climbs to "
            f"{number(turn['rise'])} above the dense network's at level {turn['level']}, {_levels(turn['levels_from_trough'])} the trough, then falls by "
            f"{number(turn['decline'])}, below that, and follows test accuracy over the whole curve (Spearman "
            f"{number(spearman(curve, 'distance').estimate, 2)}; with 6,000 images and 60 epochs "
            f"{interval(spearman(fewer, 'distance'), 2)}, where it stays high to the end). One seed took "
            f"{number(sum(float(row['seconds']) for row in curve.group.runs[0].rows) / 60, 0)} minutes on one core.",
            turn["decline"] > turn["rise"],
            spearman(curve, "distance").estimate < -0.5 < spearman(fewer, "distance").estimate,
            abs(turn["levels_from_trough"]) <= 1,
        )


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


def _levels(from_trough: int) -> str:
    """Return where a level lies against another, in words."""
    if from_trough == 0:
        return "that of"
    return f"{abs(from_trough)} level{'s' if abs(from_trough) > 1 else ''} {'before' if from_trough < 0 else 'after'}"


def _cell(found: dict[str, float | None] | None) -> str:
    if not found or found.get("estimate") is None:
        return "–"
    return interval(ends_of(found), 1)
