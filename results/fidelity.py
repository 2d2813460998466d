"""What RESULTS.md says of how far the numbers are those of the mathematics: other arithmetic, processors, measures."""

from pathlib import Path

import numpy as np

from results.evidence import CurveEvidence, Evidence, Floats, over_seeds, rows_of_seeds
from results.wording import Text, number, points
from sdd.analysis.statistics import Interval, bootstrap_phases
from sdd.files import read_table

_COLUMNS = ("train_loss", "test_loss", "train_acc", "memorized", "test_acc", "distance", "distance_start")
_PARTED = 1e-4
"""Relative distance of two computations' weights that rounding alone does not explain."""


def fidelity_section(text: Text, evidence: Evidence) -> None:
    """Add the section."""
    base = evidence.curve("digits", "base")
    text.add("## Fidelity")
    _float64(text, evidence.folder, base)
    text.add("### Other arithmetic")
    text.add(
        "The same seeds of `digits_mlp` with two threads, with the instructions of older processors (`ATEN_CPU_CAPABILITY=avx2`), "
        "in sparse arithmetic, and measured otherwise. Where rounding differs, training amplifies it, and single levels move about as far as "
        "between two seeds. *Equal levels* are those equal in every bit of these columns, which hold the mean absolute differences over all levels and seeds."
    )
    rows = []
    for name, words in {"threads_2": "two threads", "avx2": "AVX2", "sparse": "sparse arithmetic"}.items():
        if evidence.has("digits", name):
            rows.append((words, *_apart(base, evidence.curve("digits", name))))
    rows.append(("measured otherwise", *_apart(base, evidence.curve("digits", "full"))))
    text.table(("against the same seeds", "seeds", "equal levels", *(f"`{name}`" for name in _COLUMNS)), rows)
    sparse = evidence.curve("digits", "sparse")
    text.say(
        f"What a reader concludes does not move: over {sparse.seeds} seeds depth is {points(sparse.interval('depth'))} points in "
        f"sparse arithmetic and {points(base.interval('depth'))} in dense, gain {points(sparse.interval('gain'))} and "
        f"{points(base.interval('gain'))}. What is measured beside a curve changes no bit of it.",
        sparse.verdict is True,
        all(_agree(sparse.interval(size), base.interval(size)) for size in ("depth", "gain")),
        _apart(base, evidence.curve("digits", "full"))[1] == "100 %",
    )
    text.add("### The authors' code")
    text.add(
        "The paper's curves are published as pictures, without tables, so none is quoted here. Its code counts the output layer's "
        "weights of LeNet-300-100 and VGG-16 among the remaining ones but removes none of them, so that its networks are sparser "
        "than their nominal sparsity says: compare at equal numbers of prunable weights, or train with "
        "`--pruning.scope_args.also_counted`. [The paper's figures](docs/reproduce.md) lists the other differences."
    )


def _float64(text: Text, folder: Path, base: CurveEvidence) -> None:
    """Add how the independent computation in 64 bits compares."""
    table, apart = read_table(folder / "float64.csv"), read_table(folder / "float64_weights.csv")
    seeds = sorted({int(row["seed"]) for row in table})
    theirs = np.array([[row["test_acc"] for row in table if row["seed"] == seed] for seed in seeds])
    chosen = rows_of_seeds(base, seeds)
    ours = base.values("test_acc")[chosen]
    left = np.array([[row["remaining"] for row in table if row["seed"] == seed] for seed in seeds])
    text.add("### An independent computation in 64 bits")
    rows = []
    for epochs in sorted({int(row["epochs"]) for row in apart}):
        values = sorted(row["apart"] for row in apart if row["epochs"] == epochs)
        rows.append((str(epochs), _small(values[len(values) // 2]), _small(values[-1])))
    last = max(row["epochs"] for row in apart)
    parted = {int(row["seed"]) for row in apart if row["epochs"] == last and row["apart"] > _PARTED}
    sizes = bootstrap_phases(theirs, base.mean("sparsity")), bootstrap_phases(ours, base.mean("sparsity"))
    text.say(
        f"`results/float64.py` trains `digits_mlp` once more in NumPy, in 64 bits and without any of sdd's arithmetic, from the same "
        f"initial weights, labels and batch orders, {len(seeds)} seeds. Dense weights agree to rounding at first, and then part in "
        f"{len(parted)} of them, presumably where single units take another side of zero, as any two roundings would:",
        bool((left == base.values("remaining")[chosen]).all()),
        max(row["apart"] for row in apart if row["epochs"] == min(row["epochs"] for row in apart)) < 1e-5,
        len(parted) > 0,
    )
    text.table(("epochs of the dense level", "relative distance of the weights, median", "largest"), rows)
    differences = over_seeds((theirs - ours).mean(axis=1))
    text.say(
        f"All levels keep the same numbers of weights. Over the whole curve test accuracy differs by {points(differences, sign=True)} "
        f"points on average, single levels by {number(100 * float((theirs - ours).std()))} (standard deviation), two seeds by "
        f"{number(100 * float(np.sqrt(2 * ours.var(axis=0, ddof=1).mean())))}. Depth is {points(sizes[0].depth)} in 64 bits and "
        f"{points(sizes[1].depth)} in sdd's 32 with the same seeds, gain {points(sizes[0].gain)} and {points(sizes[1].gain)}.",
    )


def _apart(first: CurveEvidence, second: CurveEvidence) -> tuple[str, ...]:
    """Return seeds, the share of equal levels, and mean absolute differences by column."""
    shared = [run.seed for run in second.group.runs]
    chosen = rows_of_seeds(first, shared)
    both: list[tuple[Floats, Floats]] = [(first.values(name)[chosen], second.values(name)) for name in _COLUMNS]
    equal = np.all([one == other for one, other in both], axis=0)
    share = f"{100 * float(equal.mean()):.0f} %"
    cells = []
    for name, (one, other) in zip(_COLUMNS, both, strict=True):
        mean = float(np.abs(one - other).mean())
        cells.append(f"{number(100 * mean, 2)} points" if name.endswith(("acc", "memorized")) else _small(mean))
    return (str(len(shared)), share, *cells)


def _agree(one: Interval, other: Interval) -> bool:
    """Tell whether each estimate lies in the other's interval."""
    return one.low <= other.estimate <= one.high and other.low <= one.estimate <= other.high


def _small(value: float) -> str:
    """Return a number with two digits that count."""
    if value == 0:
        return "0"
    if value >= 0.001:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa} × 10⁻{str(-int(exponent)).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
