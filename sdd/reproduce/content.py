"""What stands in the panels of a figure: the lines of its kind, from the runs of its experiments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sdd.analysis.columns import built_in
from sdd.analysis.derived import GENERALIZATION_GAP
from sdd.analysis.loss_curves import Floats, LossPoint, mean_loss_curves, read_loss_curves
from sdd.analysis.panels import Line, Panel
from sdd.errors import UserError
from sdd.files import read_table
from sdd.interpolation.redense import interpolate_redense
from sdd.measures.columns import Column
from sdd.reproduce.experiments import REDENSE, Experiment
from sdd.reproduce.figures import Figure, Kind, Plot
from sdd.reproduce.seeds import Seeds, ShownLevel, over_seeds

Read = Callable[[Experiment], Seeds]
"""Reads the runs of an experiment."""

_ACCURACY = "accuracy (%)"
_ALPHA = "α, sparse (0) to re-dense (1)"
_STEP = "step along a filter-normalised random direction"
_REDENSE_BEGINS = "re-dense training begins"
_EPOCHS_FILE, _LOSS_CURVES_FILE = "epochs.csv", "loss_curves.csv"


@dataclass(frozen=True)
class Content:
    """What is drawn.

    Attributes:
        panels: From left to right, then in further rows.
        columns: Panels of a row.
        over: What the bands are over, in the plural.
        ordered: Whether the labels of lines are steps of a scale.
    """

    panels: tuple[Panel, ...]
    columns: int
    over: str = "seeds"
    ordered: bool = False


def content_of(figure: Figure, read: Read) -> Content:
    """Return what a figure shows.

    Args:
        figure: Which.
        read: Gives the runs of its experiments.

    Raises:
        UserError: A run lacks what its kind of figure shows.
    """
    if figure.kind == "path":
        return _paths(figure, read)
    draw = _KINDS[figure.kind]
    panels = tuple(panel for plot in figure.plots for panel in draw(figure, plot, read))
    if figure.kind == "loss_curves":
        return Content(panels, 1, "directions", ordered=True)
    return Content(panels, 4 if figure.kind == "epochs" else 3)


def _accuracy(figure: Figure, plot: Plot, read: Read) -> list[Panel]:
    seeds = read(plot.experiment)
    lines = (_line(seeds, "test_acc"), _line(seeds, "train_acc"))
    if figure.kind != "phases":
        return [Panel(plot.title, lines)]
    return [Panel(plot.title, lines, phases=seeds.phases, phase_x=seeds.sparsities)]


def _best(figure: Figure, plot: Plot, read: Read) -> list[Panel]:
    seeds = read(plot.experiment)
    _need(seeds, "best_test_acc")
    lines = (_line(seeds, "best_test_acc"), _line(seeds, "test_acc"), _line(seeds, "train_acc"))
    return [Panel(plot.title, lines, left_label=_ACCURACY)]


def _gap(figure: Figure, plot: Plot, read: Read) -> list[Panel]:
    seeds = read(plot.experiment)
    gap = seeds.values("train_acc") - seeds.values("test_acc")
    return [Panel(plot.title, (_made(GENERALIZATION_GAP, seeds.sparsities, gap),))]


def _distance(figure: Figure, plot: Plot, read: Read) -> list[Panel]:
    seeds = read(plot.experiment)
    _need(seeds, "distance")
    return [Panel(plot.title, (_line(seeds, "test_acc"),), right=(_line(seeds, "distance"),))]


def _tickets(figure: Figure, plot: Plot, read: Read) -> list[Panel]:
    source = plot.experiment.source
    assert source is not None
    lines = (
        _line(read(source), "test_acc", label="winning tickets"),
        _line(read(plot.experiment), "test_acc", label="fresh weights, same masks"),
    )
    return [Panel(plot.title, lines)]


def _epochs(figure: Figure, plot: Plot, read: Read) -> list[Panel]:
    """Return a panel for each level shown: its epochs, and those of re-dense training after them."""
    sparse = plot.experiment.source or plot.experiment
    parts = [read(sparse)] + ([read(plot.experiment)] if plot.experiment.retrain == REDENSE else [])
    tables = [_tables(seeds, _EPOCHS_FILE) for seeds in parts]
    panels = []
    for level in parts[0].shown_levels():
        marks: list[tuple[float, str]] = []
        epochs, test, train = [], [], []
        begin = 0.0
        for part, rows in enumerate(tables):
            places, values = over_seeds(rows, level.level, "epoch", "test_acc")
            epochs.append(places + 1 + begin)
            test.append(values)
            train.append(over_seeds(rows, level.level, "epoch", "train_acc")[1])
            marks += [(begin, _REDENSE_BEGINS)] * part
            begin = float(epochs[-1].max(initial=begin))
        at = np.concatenate(epochs)
        lines = (
            _made(_column("test_acc"), at, np.concatenate(test, axis=1)),
            _made(_column("train_acc"), at, np.concatenate(train, axis=1)),
        )
        panels.append(Panel(_titled(plot, level), lines, x="epoch", marks=tuple(marks)))
    return panels


def _paths(figure: Figure, read: Read) -> Content:
    """Return a row of accuracies and one of losses on the way from sparse to re-dense weights, a column a level."""
    rows: dict[str, list[Panel]] = {"acc": [], "loss": []}
    for plot in figure.plots:
        source = plot.experiment.source
        assert source is not None
        levels = read(source).shown_levels(only_peak=figure.only_peak)
        wanted = [level.level for level in levels]
        tables = [interpolate_redense(run.path, wanted, show="none") for run in read(plot.experiment).runs]
        for level in levels:
            for kind, panels in rows.items():
                columns = [_column(f"{part}_{kind}") for part in ("test", "train")]
                lines = (_made(column, *over_seeds(tables, level.level, "alpha", column.name)) for column in columns)
                panels.append(Panel(_titled(plot, level), tuple(lines), x="alpha", x_label=_ALPHA))
    return Content((*rows["acc"], *rows["loss"]), len(rows["acc"]) if not figure.only_peak else 2)


def _loss_curves(figure: Figure, plot: Plot, read: Read) -> list[Panel]:
    """Return a panel of the loss around the re-dense weights of all levels shown."""
    source = plot.experiment.source
    assert source is not None
    grown, levels = read(plot.experiment), read(source).shown_levels()
    tables: list[Sequence[LossPoint]] = []
    for run in grown.runs:
        path = run.path / _LOSS_CURVES_FILE
        if not path.is_file():
            raise UserError(f"{run.path} has no {path.name}; it was trained without flatness.loss_curves")
        tables.append(read_loss_curves(path))
    lines = []
    for level in levels:
        (curve,) = mean_loss_curves(tables, [level.level]) or (None,)
        if curve is not None:
            count = np.full(len(curve.alpha), float(curve.directions))
            lines.append(
                Line(f"from {level.title}", curve.alpha, curve.mean, curve.spread, count, _column("train_loss"))
            )
    return [Panel(plot.title, tuple(lines), x="alpha", x_label=_STEP)]


_KINDS: Mapping[Kind, Callable[[Figure, Plot, Read], list[Panel]]] = {
    "accuracy": _accuracy,
    "phases": _accuracy,
    "gap": _gap,
    "best": _best,
    "distance": _distance,
    "tickets": _tickets,
    "epochs": _epochs,
    "loss_curves": _loss_curves,
}


def _line(seeds: Seeds, name: str, *, label: str = "") -> Line:
    return Line.over_runs(label, seeds.sparsities, seeds.values(name), _column(name))


def _made(column: Column, x: Floats, values: Floats) -> Line:
    return Line.over_runs("", x, values, column)


def _column(name: str) -> Column:
    return built_in()[name]


def _need(seeds: Seeds, name: str) -> None:
    """Refuse runs that have not measured something."""
    for run in seeds.runs:
        if name not in run.columns:
            raise UserError(f"{run.path} has no {name}; it was trained without measuring it")


def _tables(seeds: Seeds, file: str) -> list[list[dict[str, float | int]]]:
    """Return a table that each run has left beside its curve."""
    for run in seeds.runs:
        if not (run.path / file).is_file():
            raise UserError(f"{run.path} has no {file}; it was trained without measuring it")
    return [read_table(run.path / file) for run in seeds.runs]


def _titled(plot: Plot, level: ShownLevel) -> str:
    return f"{plot.title}\n{level.title}" if plot.title else level.title
