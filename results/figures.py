"""The figures of RESULTS.md, each from the kept runs alone."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from results.claims import RATES, sparse_and_redense
from results.evidence import CurveEvidence, Evidence
from results.store import SHOWN_LEVELS
from sdd.analysis.columns import built_in
from sdd.analysis.drawing import write_figure
from sdd.analysis.figures import tickets_figure
from sdd.analysis.loss_curves import mean_loss_curves, read_loss_curves
from sdd.analysis.panel_drawing import draw_panels
from sdd.analysis.panels import Line, Panel
from sdd.analysis.spectra import mean_spectra, read_spectra, spectrum_figure
from sdd.files import read_table
from sdd.measures.columns import Column
from sdd.termination import interrupts_held

DOTS_PER_INCH = 160
_NAMES = dict(zip(SHOWN_LEVELS, ("dense", "trough", "near the peak", "last"), strict=True))
_MNIST = {"rate_20": "20 % noise", "rate_40": "40 % noise", "rate_80": "80 % noise"}

Draw = Callable[[Evidence], Figure]


def line(curve: CurveEvidence, name: str, label: str = "", *, x: str = "remaining_fraction") -> Line:
    """Return a measure of a curve over its seeds."""
    column = built_in()[name] if name in built_in() else Column.from_dict(curve.analysis["columns"][name])
    return Line.over_runs(label, curve.mean(x), curve.values(name), column)


def by_curve(
    evidence: Evidence, title: str, named: Mapping[str, str], *, task: str = "digits", measure: str = "test_acc"
) -> Panel:
    """Return a panel of one measure of several curves, labelled as `named` says."""
    return Panel(
        title,
        tuple(line(evidence.curve(task, name), measure, label) for name, label in named.items()),
        x="remaining_fraction",
    )


def phases(evidence: Evidence, task: str, name: str, title: str, *measures: str) -> Panel:
    """Return a panel of accuracies with the phases of the mean curve shaded."""
    curve = evidence.curve(task, name)
    found = curve.mean_phases
    lines = tuple(line(curve, measure) for measure in ("test_acc", "train_acc", *measures))
    return Panel(title, lines, x="remaining_fraction", left_label="percent", phases=found, phase_x=curve.remaining)


def beside_accuracy(curve: CurveEvidence, name: str, title: str) -> Panel:
    """Return a panel of test accuracy with another measure at the right axis."""
    return Panel(title, (line(curve, "test_acc"),), right=(line(curve, name),), x="remaining_fraction")


def _digits_phases(evidence: Evidence) -> Figure:
    return draw_panels([phases(evidence, "digits", "base", "", "memorized")])


def _digits_noise(evidence: Evidence) -> Figure:
    rates = {"rate_0": "0 %", **RATES}
    panels = [by_curve(evidence, "test accuracy", rates), by_curve(evidence, "training", rates, measure="train_acc")]
    return draw_panels(panels, ordered=True, legend_title="noise rate", share_y=False)


def _digits_noise_types(evidence: Evidence) -> Figure:
    types = {"base": "symmetric", "uniform": "uniform", "pairflip": "pairflip", "asymmetric": "asymmetric"}
    return draw_panels([by_curve(evidence, "", types)], legend_title="noise")


def _digits_criteria(evidence: Evidence) -> Figure:
    during = {"base": "magnitude", "gradient": "gradient", "random": "random", "largest": "largest first"}
    before = {"base": "magnitude", "snip": "SNIP", "synflow": "SynFlow", "random": "random"}
    return draw_panels([by_curve(evidence, "criteria", during), by_curve(evidence, "at initialisation", before)])


def _digits_scopes(evidence: Evidence) -> Figure:
    how = {"base": "over all layers, level by level", "layer": "in each layer", "one_shot": "one-shot"}
    return draw_panels([by_curve(evidence, "", how)])


def _digits_retraining(evidence: Evidence) -> Figure:
    modes = {"base": "lottery", "lr_rewind": "lr_rewind", "finetune": "finetune", "scratch": "scratch"}
    steps = {"base": "lottery", "rewind_40": "rewound to step 40", "rewind_200": "rewound to step 200"}
    return draw_panels([by_curve(evidence, "retraining", modes), by_curve(evidence, "rewinding", steps)])


def _digits_tickets(evidence: Evidence) -> Figure:
    comparison = evidence.tickets("reinitialised")
    return tickets_figure(comparison, built_in()["test_acc"])


def _digits_controls(evidence: Evidence) -> Figure:
    named = {
        "base": "winning tickets",
        "reinitialised": "fresh weights",
        "shuffled": "shuffled masks",
        "shuffled_reinitialised": "shuffled, fresh weights",
    }
    return draw_panels([by_curve(evidence, "", named)])


def _digits_best(evidence: Evidence) -> Figure:
    panels = []
    for name, rate in RATES.items():
        curve = evidence.curve("digits", name)
        lines = (line(curve, "test_acc"), line(curve, "best_test_acc"))
        panels.append(Panel(f"{rate} noise", lines, x="remaining_fraction", left_label="accuracy (%)"))
    return draw_panels(panels, columns=4)


def _digits_epochs(evidence: Evidence) -> Figure:
    curve = evidence.curve("digits", "base")
    tables = [read_table(run.path / "epochs.csv") for run in curve.group.runs]
    panels = []
    for level, name in _NAMES.items():
        rows = [[row for row in table if row["level"] == level] for table in tables]
        epochs = np.array([row["epoch"] + 1 for row in rows[0]], float)
        lines = [
            Line.over_runs("", epochs, np.array([[row[measure] for row in run] for run in rows]), built_in()[measure])
            for measure in ("test_acc", "train_acc", "memorized")
        ]
        panels.append(Panel(f"{name}, level {level}", tuple(lines), x="epoch", left_label="percent"))
    return draw_panels(panels, columns=4)


def _digits_distance(evidence: Evidence) -> Figure:
    curve = evidence.curve("digits", "base")
    titles = {"distance": "the paper's D", "distance_init": "of survivors", "distance_start": "of the level"}
    return draw_panels([beside_accuracy(curve, name, title) for name, title in titles.items()], share_y=False)


def _digits_flatness(evidence: Evidence) -> Figure:
    curve = evidence.curve("digits", "base")
    names = {
        "hessian_top": "largest eigenvalue",
        "hessian_trace": "trace",
        "sharpness": "sharpness",
        "effective_dimension": "effective dimension",
    }
    return draw_panels([beside_accuracy(curve, *one) for one in names.items()], columns=2, share_y=False)


def _digits_spectrum(evidence: Evidence) -> Figure:
    runs = evidence.curve("digits", "base").group.runs
    return spectrum_figure(
        mean_spectra([read_spectra(run.path / "spectrum.csv") for run in runs], SHOWN_LEVELS), _NAMES
    )


def _loss_panel(curve: CurveEvidence, title: str) -> Panel:
    lines = []
    for found in mean_loss_curves([read_loss_curves(run.path / "loss_curves.csv") for run in curve.group.runs]):
        count = np.full(len(found.alpha), float(found.directions))
        label = f"{_NAMES[found.level]}, level {found.level}"
        lines.append(Line(label, found.alpha, found.mean, found.spread, count, built_in()["train_loss"]))
    return Panel(title, tuple(lines), x="alpha", x_label="step along a random direction")


def _digits_loss_curves(evidence: Evidence) -> Figure:
    titles = {"base": "surviving weights", "full": "all weights", "redense": "re-dense, all weights"}
    panels = [_loss_panel(evidence.curve("digits", name), title) for name, title in titles.items()]
    over = f"directions in {evidence.curve('digits', 'base').seeds} networks"
    return draw_panels(panels, ordered=True, over=over)


def _digits_redense(evidence: Evidence) -> Figure:
    sparse, grown = sparse_and_redense(evidence)
    panels = []
    for name in ("test_acc", "train_acc", "hessian_trace", "sharpness"):
        lines = (line(sparse, name, "sparse"), line(grown, name, "re-dense"))
        panels.append(Panel("", lines, x="remaining_fraction"))
    return draw_panels(panels, columns=2, share_y=False)


def _digits_paths(evidence: Evidence) -> Figure:
    tables = [read_table(run.path / "interpolation.csv") for run in evidence.curve("digits", "redense").group.runs]
    panels = []
    for level, name in _NAMES.items():
        rows = [[row for row in table if row["level"] == level] for table in tables]
        alpha = np.array([row["alpha"] for row in rows[0]], float)
        lines = [
            Line.over_runs("", alpha, np.array([[row[measure] for row in run] for run in rows]), built_in()[measure])
            for measure in ("test_acc", "train_acc")
        ]
        label = "α, sparse (0) to re-dense (1)"
        panels.append(
            Panel(f"{name}, level {level}", tuple(lines), x="alpha", x_label=label, left_label="accuracy (%)")
        )
    return draw_panels(panels, columns=4)


def _digits_remedies(evidence: Evidence) -> Figure:
    decay = {"base": "none", "decay_0.001": "decay 0.001", "decay_0.005": "decay 0.005", "penalty": "distance penalty"}
    other = {"base": "none", "smoothing": "label smoothing", "distilled": "distillation"}
    titles = {"penalties": decay, "targets": other}
    return draw_panels([by_curve(evidence, title, named) for title, named in titles.items()])


def _digits_losses(evidence: Evidence) -> Figure:
    losses = {
        "base": "cross-entropy",
        "generalized": "generalised cross-entropy",
        "symmetric": "symmetric cross-entropy",
    }
    return draw_panels([by_curve(evidence, "", losses)])


def _digits_calibration(evidence: Evidence) -> Figure:
    curve = evidence.curve("digits", "base")
    return draw_panels(
        [
            Panel("calibration", (line(curve, "test_ece"), line(curve, "train_ece")), x="remaining_fraction"),
            beside_accuracy(curve, "activation_entropy", "activation entropy"),
        ],
        share_y=False,
    )


def _digits_width(evidence: Evidence) -> Figure:
    pruned = evidence.curve("digits", "base")
    widths = evidence.widths()
    lines = (
        line(pruned, "test_acc", "pruned", x="remaining"),
        Line.over_runs("dense, narrower", widths.mean("remaining"), widths.values("test_acc"), built_in()["test_acc"]),
    )
    memorised = (
        line(pruned, "memorized", "pruned", x="remaining"),
        Line.over_runs(
            "dense, narrower", widths.mean("remaining"), widths.values("memorized"), built_in()["memorized"]
        ),
    )
    return draw_panels([Panel("", lines, x="weights"), Panel("", memorised, x="weights")], share_y=False)


def _mnist_6000(evidence: Evidence) -> Figure:
    panels = []
    for name, words in {"rate_0": "clean", **_MNIST}.items():
        seeds = evidence.curve("mnist_6000", name).seeds
        panels.append(phases(evidence, "mnist_6000", name, f"{words}, n = {seeds}"))
    return draw_panels(panels, columns=4)


def _mnist_6000_distance(evidence: Evidence) -> Figure:
    curves = {words: evidence.curve("mnist_6000", name) for name, words in _MNIST.items()}
    panels = [beside_accuracy(curve, "distance", f"{words}, n = {curve.seeds}") for words, curve in curves.items()]
    return draw_panels(panels, share_y=False)


def _mnist(evidence: Evidence) -> Figure:
    there = {name: title for name, title in _MNIST.items() if evidence.has("mnist", name)}
    panels = [phases(evidence, "mnist", name, title, "memorized") for name, title in there.items()]
    panels += [beside_accuracy(evidence.curve("mnist", name), "distance", title) for name, title in there.items()]
    return draw_panels(panels, columns=len(panels) if len(panels) < 4 else len(there), share_y=False)


def _convolutional(evidence: Evidence) -> Figure:
    titles = {"resnet18": "ResNet-18, width 8", "vgg16": "VGG-16, width 8"}
    panels = [phases(evidence, task, "rate_40", title, "memorized") for task, title in titles.items()]
    panels += [beside_accuracy(evidence.curve(task, "rate_40"), "distance", title) for task, title in titles.items()]
    return draw_panels(panels, columns=2, share_y=False)


FIGURES: Mapping[str, Draw] = {
    "digits_phases": _digits_phases,
    "digits_noise": _digits_noise,
    "digits_noise_types": _digits_noise_types,
    "digits_criteria": _digits_criteria,
    "digits_scopes": _digits_scopes,
    "digits_retraining": _digits_retraining,
    "digits_tickets": _digits_tickets,
    "digits_controls": _digits_controls,
    "digits_best": _digits_best,
    "digits_epochs": _digits_epochs,
    "digits_distance": _digits_distance,
    "digits_flatness": _digits_flatness,
    "digits_spectrum": _digits_spectrum,
    "digits_loss_curves": _digits_loss_curves,
    "digits_redense": _digits_redense,
    "digits_paths": _digits_paths,
    "digits_remedies": _digits_remedies,
    "digits_losses": _digits_losses,
    "digits_calibration": _digits_calibration,
    "digits_width": _digits_width,
    "mnist_6000": _mnist_6000,
    "mnist_6000_distance": _mnist_6000_distance,
    "mnist": _mnist,
    "convolutional": _convolutional,
}
"""By name of the file, without its ending."""


@interrupts_held()
def draw(evidence: Evidence, folder: Path, name: str) -> Path:
    """Write a figure as PNG; returns the file."""
    path = folder / f"{name}.png"
    write_figure(FIGURES[name](evidence), path, DOTS_PER_INCH)
    return path
