"""Each figure of the paper, run at a tiny scale and drawn, shows what its caption says and the numbers of its runs."""

import csv
import statistics
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sdd.__main__ import main
from sdd.analysis.panel_drawing import draw_panels
from sdd.reproduce.content import content_of
from sdd.reproduce.drawing import draw_figure
from sdd.reproduce.figures import FIGURES
from sdd.reproduce.runs import plan_figures
from sdd.reproduce.scales import read_scale
from sdd.reproduce.seeds import read_seeds
from tests.reproduce.captions import PANELS

TINY = read_scale(str(Path(__file__).with_name("tiny.yaml")))
QUICK = ("31",)
LINES = {
    "accuracy": ("test accuracy", "training accuracy"),
    "phases": ("test accuracy", "training accuracy"),
    "gap": ("generalisation gap",),
    "best": ("best test accuracy of an epoch", "test accuracy", "training accuracy"),
    "distance": ("test accuracy", "learning distance"),
    "tickets": ("winning tickets", "fresh weights, same masks"),
    "epochs": ("test accuracy", "training accuracy"),
}
X = {
    "epochs": "epoch",
    "path": "α, sparse (0) to re-dense (1)",
    "loss_curves": "step along a filter-normalised random direction",
}


def _train(figures, base):
    planned = plan_figures(figures, TINY, base)
    assert planned.invalid == ()
    for run in planned.runs:
        assert main(list(run.arguments)) == 0, run.label
    return planned


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quick")
    return folder, _train([FIGURES[name] for name in QUICK], folder)


def _rows(run, file="curve.csv"):
    with (run.path / file).open() as lines:
        return list(csv.DictReader(lines))


def _independent(runs, name, level):
    """Mean and standard deviation over seeds of one cell, by the standard library."""
    values = [float(row[name]) for run in runs for row in _rows(run) if int(row["level"]) == level]
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None


def _content(name, planned):
    return content_of(FIGURES[name], lambda experiment: read_seeds(planned.by_experiment[experiment]))


def _check(name, folder, planned):
    figure = FIGURES[name]
    written, lacks = draw_figure(figure, planned, TINY, folder / "figures")
    assert lacks == []
    assert [path.name for path in written] == [f"figure-{name}{end}" for end in (".pdf", "-numbers.csv", ".png")]
    assert plt.imread(written[2]).std() > 0
    content = _content(name, planned)
    panels = content.panels
    if figure.kind in ("epochs", "path"):
        levels = 1 if figure.only_peak else 3  # of two prunings: no more than three levels to show
        assert len(panels) == PANELS[int(name)] // (1 if figure.only_peak else 4) * levels
    else:
        assert len(panels) == PANELS[int(name)]
    for panel in panels:
        names = tuple(line.label or line.column.label for line in panel.lines)
        if figure.kind == "loss_curves":
            assert len(names) == len({*names}) == 3
            assert all(name.startswith("from ") for name in names)
        elif figure.kind == "path":
            assert names in (("test accuracy", "training accuracy"), ("test loss", "training loss"))
        else:
            assert names == LINES[figure.kind]
    drawn = draw_panels(panels, columns=content.columns, ordered=content.ordered, over=content.over)
    axes = [one for one in drawn.axes if one.get_title()]
    assert [one.get_title() for one in axes] == [panel.title for panel in panels if panel.title]
    assert {one.get_xlabel() for one in drawn.axes if one.get_xlabel()} == {X.get(figure.kind, "sparsity (%)")}
    (legend,) = drawn.legends
    said = [text.get_text() for text in legend.get_texts()]
    seeds = max(len(TINY.tasks[plot.experiment.task].seeds) for plot in figure.plots)
    if figure.kind != "loss_curves":
        assert any("2 seeds" in text if seeds == 2 else "one seed" in text for text in said)
    _check_numbers(figure, planned, panels)
    with written[1].open() as lines:
        table = list(csv.DictReader(lines))
    assert len(table) == sum(len(line.x) for panel in panels for line in panel.lines)


def _check_numbers(figure, planned, panels):
    """What is drawn over sparsity, against the standard library's means of the stored rows."""
    if figure.kind in ("epochs", "path", "loss_curves") or figure.name == "30":
        return
    for plot, panel in zip(figure.plots, panels, strict=True):
        runs = planned.by_experiment[plot.experiment]
        for level in range(3):
            for line in panel.lines:
                if figure.kind == "gap":
                    train, test = (_independent(runs, part, level)[0] for part in ("train_acc", "test_acc"))
                    assert line.mean[level] == pytest.approx(train - test)
                    continue
                source = planned.by_experiment[plot.experiment.source] if line.label == "winning tickets" else runs
                mean, spread = _independent(source, line.column.name, level)
                assert line.mean[level] == pytest.approx(mean)
                assert np.isnan(line.sd[level]) if spread is None else line.sd[level] == pytest.approx(spread)


@pytest.mark.parametrize("name", QUICK)
def test_a_figure_shows_what_its_caption_says(name, quick):
    _check(name, *quick)


@pytest.mark.slow
def test_every_figure_shows_what_its_caption_says(tmp_path):
    """In one test, since the figures share their runs."""
    planned = _train(FIGURES.values(), tmp_path)
    wrong = {}
    for name in FIGURES:
        try:
            _check(name, tmp_path, planned)
        except AssertionError as error:  # all figures are told of, not only the first wrong one
            wrong[name] = error
    assert wrong == {}
    (panel,) = _content("30", planned).panels
    assert panel.lines[0].x.tolist() == pytest.approx([0, 0.5, 0.9], abs=0.01), "one-shot runs are one curve"


@pytest.mark.slow
def test_a_path_ends_in_the_rows_of_both_runs(tmp_path):
    """At α = 0 the sparse level's row, at 1 the re-dense one's, to the last bit."""
    planned = _train([FIGURES["40"]], tmp_path)
    panels = _content("40", planned).panels
    first_losses = len(panels) // 2
    (grown,) = (plot.experiment for plot in FIGURES["40"].plots)
    for end, experiment in ((0, grown.source), (-1, grown)):
        rows = [_rows(run)[0] for run in planned.by_experiment[experiment]]
        for panel, kind in ((panels[0], "acc"), (panels[first_losses], "loss")):
            for line, part in zip(panel.lines, ("test", "train"), strict=True):
                assert line.mean[end] == statistics.fmean(float(row[f"{part}_{kind}"]) for row in rows)
