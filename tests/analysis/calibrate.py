"""Write docs/verdicts.md: how often verdicts on curves of known truth are wrong, and what decided against p-values.

    python -m tests.analysis.calibrate docs/verdicts.md

Takes some minutes. With `--record FOLDER` it first writes `digits_seeds.json` beside this file, from runs of
`configs/digits_mlp.yaml` in FOLDER/noisy0 to noisy9 (as it is) and FOLDER/clean0 to clean9 (`--data.noise_rate 0`).
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sdd.analysis.compare import mean_phases
from sdd.analysis.curve import column, read_curve
from sdd.analysis.phases import find_phases
from sdd.analysis.statistics import bootstrap_phases
from sdd.analysis.verdict_text import verdict_text
from tests.analysis.simulated import (
    EXAMPLES,
    KINDS,
    SEED_NOISE,
    Counts,
    Floats,
    Judged,
    cases,
    judge,
    outcomes,
    seed_outcomes,
)
from tests.analysis.unrelated import SHAPES, TESTS, false_positives

RECORD = Path(__file__).with_name("digits_seeds.json")
DIGITS_TEST = 797
SHOWN = ("none", "over 5 points", "1 to 5 points")
WORDS = ("yes", "no")
COARSE = (0, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)


def digits_seeds(name: str) -> tuple[Floats, Floats]:
    """Return sparsities, [levels], and test accuracies of ten seeds, [seeds, levels], `noisy` or `clean`."""
    record = json.loads(RECORD.read_text())
    return np.array(record["sparsity"]), np.array(record[name]) / DIGITS_TEST


def thinned(sparsity: Floats, step: int) -> list[int]:
    """Return every so many levels of a grid."""
    return list(range(0, len(sparsity), step))


def coarse(sparsity: Floats) -> list[int]:
    """Return the levels nearest to those of a grid that someone would choose by hand."""
    return [int(np.argmin(np.abs(np.log((1 - sparsity) / (1 - wanted))))) for wanted in COARSE]


def record(folder: Path) -> None:
    """Keep the test accuracies of ten noisy and ten clean runs, as right predictions."""
    content: dict[str, object] = {}
    for name in ("noisy", "clean"):
        curves = [read_curve(folder / f"{name}{seed}" / "curve.csv") for seed in range(10)]
        content["sparsity"] = column(curves[0], "sparsity")
        content[name] = [[round(DIGITS_TEST * value) for value in column(rows, "test_acc")] for rows in curves]
    RECORD.write_text(json.dumps(content) + "\n")


def verdicts_table(count: int) -> list[str]:
    """Return the error rates of verdicts on one curve: by kind, length, test set and noise."""
    judged = judge(cases(count, seed=11))
    loud = judge(cases(count // 2, seed=12, noises=(0.02,)))
    rows: list[tuple[str, Iterable[Judged]]] = [("all", judged)]
    rows += [(kind, [one for one in judged if one.case.kind == kind]) for kind in KINDS]
    for low, high in ((5, 7), (8, 11), (12, 19), (20, 40)):
        rows.append((f"{low} to {high} levels", [one for one in judged if low <= len(one.case.seen) <= high]))
    for examples in EXAMPLES:
        rows.append((f"{examples:,} test images", [one for one in judged if one.case.examples == examples]))
    for noise in SEED_NOISE:
        name = f"training noise {100 * noise:g} points"
        rows.append((name, [one for one in judged if one.case.seed_noise == noise]))
    rows.append(("training noise 2 points, more than is reckoned with below 20 levels", loud))
    lines = [
        _row("curves", *(f"{truth}: {word}" for truth in ("none", "5 points", "1 to 5") for word in WORDS), "untrue"),
        "|---|" + "---:|" * 7,
    ]
    for name, part in rows:
        counts = outcomes(part)
        lines.append(
            _row(name, *_rates([counts[truth] for truth in SHOWN]), str(sum(c.untrue for c in counts.values())))
        )
    return lines


def seeds_table(count: int) -> list[str]:
    """Return the error rates of verdicts over several seeds."""
    counts = seed_outcomes(cases(count, seed=13))
    lines = [_row("seeds", *(f"{truth}: {word}" for truth in ("none", "5 points", "1 to 5") for word in WORDS))]
    lines.append("|---|" + "---:|" * 6)
    for seeds in (3, 5, 10):
        lines.append(_row(str(seeds), *_rates([counts[truth][seeds] for truth in SHOWN])))
    return lines


def power_table() -> list[str]:
    """Return the verdicts on ten measured seeds, noisy and clean, on thinned grids."""
    sparsity, noisy = digits_seeds("noisy")
    _, clean = digits_seeds("clean")
    lines = [
        _row(
            "levels",
            "40 % noise: yes, not decided, no",
            "mean of ten",
            "ten seeds",
            "three seeds: yes of 120",
            "clean: yes, not decided, no",
            "clean, ten seeds",
        ),
        "|---|---|---|---|---:|---|---|",
    ]
    grids = [(f"{len(thinned(sparsity, step))}, every {step}", thinned(sparsity, step)) for step in (1, 2, 3, 4, 5, 6)]
    for name, levels in [*grids, ("8: 0, 90, 95, 98, 99, 99.5, 99.8, 99.9 %", coarse(sparsity))]:
        grid, few, few_clean = sparsity[levels], noisy[:, levels], clean[:, levels]
        threes = [[a, b, c] for a in range(10) for b in range(a) for c in range(b)]
        found = [bootstrap_phases(few[three], grid, resamples=400).double_descent for three in threes]
        lines.append(
            _row(
                name,
                _three_values(few, grid),
                verdict_text(mean_phases(grid, few).double_descent),
                verdict_text(bootstrap_phases(few, grid).double_descent),
                str(sum(verdict is True for verdict in found)),
                _three_values(few_clean, grid),
                verdict_text(bootstrap_phases(few_clean, grid).double_descent),
            )
        )
    return lines


def p_values_table(pairs: int) -> list[str]:
    """Return how many unrelated pairs each test of a correlation takes for related at a nominal 5 %."""
    lines = [_row("unrelated pairs", "levels", *TESTS), "|---|---:|" + "---:|" * len(TESTS)]
    for shape in SHAPES:
        for levels in (10, 15, 35):
            taken = false_positives(shape, levels, pairs, seed=14)
            lines.append(_row(shape, str(levels), *(f"{100 * taken[name]:.0f} %" for name in TESTS)))
    return lines


TEXT = """# How far verdicts can be trusted

Written by `python -m tests.analysis.calibrate docs/verdicts.md`; `sdd/analysis/phases.py` says how verdicts are made.

A verdict is *yes* (test accuracy falls and climbs again beyond what noise explains, at 95 %), *no* (a fall of more
than a point that is made good is excluded at 95 %) or *not decided*, with what would decide it. The lowest and highest
levels that a sentence names are always those of the table; noise only decides the verdict.

## One curve

{count} simulated curves of known truth ({kinds}), of 5 to 40 levels, test sets of 500 to 10,000 images with binomial
noise, and 0 to 1 point of training noise, independent at each level. Percent of the curves without a double descent
(*none*) that are told yes (false) and no, and of those with a true depth of 5 points and more, and of 1 to 5, that are
told yes and no (missed); the others are not decided.

{verdicts}

## Several seeds

The verdict over seeds of `analyze`, each seed with an offset of 2 points to all its levels; {seed_count} curves.

{seeds}

## Ten measured seeds of digits, thinned

`configs/digits_mlp.yaml` (40 % of labels wrong) and the same with clean labels, seeds 0 to 9, and what is left of the
verdicts where fewer levels are measured.

{power}

## Why correlations have no p-value

A p-value of a correlation over levels would be the chance that two unrelated curves correlate so. Levels are ordered,
and curves that both drift, bend or collapse with sparsity correlate by that alone. Percent of unrelated pairs that
tests take for related at a nominal 5 % ({pairs} pairs a row; `tests/analysis/unrelated.py` says what the tests are):

{p_values}

None keeps 5 % for flat curves of 35 levels that collapse, the very shape of these data. The one that comes nearest
tests something else than the printed correlation, and takes 9 % of curves that bend over 15 of 35 levels.
So `sdd` prints the correlation, and its interval over seeds: where the mean of
further training seeds would lie, on the same data with the same noisy labels and on the same kind of processor. That
interval does not say that two measures have more to do with each other than that both follow sparsity.
"""


def _three_values(curves: Iterable[Floats], sparsity: Floats) -> str:
    counts = Counts()
    for curve in curves:
        counts.add(find_phases(sparsity, curve, examples=DIGITS_TEST).double_descent)
    return f"{counts.yes}, {counts.undecided}, {counts.no}"


def _rates(counts: Iterable[Counts]) -> list[str]:
    """Return the percentages of yes and of no, empty where there are fewer than ten curves."""
    return [
        f"{100 * number / part.all:.1f}" if part.all >= 10 else "" for part in counts for number in (part.yes, part.no)
    ]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def write(path: Path, *, curves: int = 2400, seed_curves: int = 400, pairs: int = 300) -> None:
    """Write the tables."""
    path.write_text(
        TEXT.format(
            count=f"{curves:,}",
            kinds=", ".join(KINDS),
            verdicts="\n".join(verdicts_table(curves)),
            seed_count=f"{seed_curves:,}",
            seeds="\n".join(seeds_table(seed_curves)),
            power="\n".join(power_table()),
            pairs=f"{pairs:,}",
            p_values="\n".join(p_values_table(pairs)),
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--record", type=Path)
    chosen = parser.parse_args()
    if chosen.record is not None:
        record(chosen.record)
    write(chosen.path)
