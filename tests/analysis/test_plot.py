"""Figures of one's own: lines, bands, axes and legends read back from the figure, against the runs' files."""

import csv
import math
import statistics

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from sdd.__main__ import main
from sdd.analysis import plot
from sdd.analysis.panel_drawing import axis_label, draw_panels
from sdd.analysis.panels import Line, Panel, numbers_table
from sdd.errors import UserError
from sdd.measures.columns import Column
from tests.analysis.test_comparison import LEVELS, make_run

RATES = (0.4, 0.0, 0.2)
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for rate in RATES:
        for seed in SEEDS:
            make_run(
                folder / f"e{rate}-s{seed}",
                10 * seed + int(10 * rate),
                **{"data.noise_rate": rate, "seed_everything": seed},
            )
    return folder


def cells(runs, rate, name):
    """A column of each seed's curve, [seeds][levels], by the csv module."""
    tables = [list(csv.DictReader((runs / f"e{rate}-s{seed}" / "curve.csv").open())) for seed in SEEDS]
    return [[float(row[name]) for row in table] for table in tables]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def band(axes, index):
    """Lower and upper edge of a band."""
    shape = [one for one in axes.collections if isinstance(one, PolyCollection)][index]
    points = shape.get_paths()[0].vertices
    x = np.unique(points[:, 0])
    return [(points[points[:, 0] == at, 1].min(), points[points[:, 0] == at, 1].max()) for at in x]


@pytest.mark.parametrize(("name", "cut"), [("test_acc", True), ("generalization_gap", False), ("distance", False)])
def test_an_axis_of_fractions_ends_where_they_do_however_wide_the_bands(name, cut):
    column = Column(name, name, unit="" if name == "distance" else "fraction")
    line = Line("a", np.array([1.0, 0.5]), np.array([0.9, 0.5]), np.array([0.6, 0.9]), np.full(2, 2), column)
    low, high = draw_panels([Panel("", (line,))]).axes[0].get_ylim()
    assert ((low, high) == (-5, 105)) == cut
    if name == "generalization_gap":
        assert low < -30
        assert high > 130


def test_lines_and_bands_are_those_of_the_files(runs):
    figure = plot(runs, y="test_acc,distance", by="data.noise_rate")
    left, right = figure.axes
    assert (left.get_ylabel(), right.get_ylabel()) == ("test accuracy (%)", "learning distance")
    assert left.get_xlabel() == "remaining weights (%)"
    remaining = cells(runs, 0.0, "remaining_fraction")[0]
    for axes, name, factor in ((left, "test_acc", 100), (right, "distance", 1)):
        for index, rate in enumerate(sorted(RATES)):
            by_level = list(zip(*cells(runs, rate, name), strict=True))
            x, mean = axes.lines[index].get_data()
            assert x == pytest.approx([-math.log10(value) for value in remaining])
            assert mean == pytest.approx([factor * statistics.mean(values) for values in by_level])
            edges = [
                (statistics.mean(values) - statistics.stdev(values), statistics.mean(values) + statistics.stdev(values))
                for values in by_level
            ]
            assert np.array(band(axes, index)) == pytest.approx(factor * np.array(edges))
    assert legend(figure)[:3] == ["noise rate 0.0", "noise rate 0.2", "noise rate 0.4"]
    assert legend(figure)[-1] == "line: mean over 3 seeds\nband: ± 1 standard deviation"
    ticks = [text.get_text() for text in left.get_xticklabels()]
    assert ticks[0] == "100"
    assert "10" in ticks


def test_the_interval_is_students(runs):
    figure = plot(runs, by="data.noise_rate", band="ci")
    values = list(zip(*cells(runs, 0.0, "test_acc"), strict=True))[4]
    half = 4.302653 * statistics.stdev(values) / math.sqrt(3)  # t of two degrees of freedom
    low, high = band(figure.axes[0], 0)[4]
    assert (high - low) / 2 == pytest.approx(100 * half, rel=1e-6)
    assert "95 % confidence interval" in legend(figure)[-1]
    without = plot(runs, by="data.noise_rate", band="none")
    assert not [one for one in without.axes[0].collections if isinstance(one, PolyCollection)]
    assert legend(without)[-1] == "lines: mean over 3 seeds"


def test_training_accuracy_is_dashed_beside_test_accuracy_and_shades_go_from_dark_to_light(runs):
    figure = plot(runs, y="test_acc+train_acc", by="data.noise_rate")
    (axes,) = figure.axes
    assert [line.get_linestyle() for line in axes.lines] == ["-"] * 3 + ["--"] * 3
    assert axes.get_ylabel() == "accuracy (%)"
    assert {"test accuracy", "training accuracy"} < {*legend(figure)}
    colours = [line.get_color() for line in axes.lines]
    assert colours[:3] == colours[3:]
    light = [sum(int(colour[i : i + 2], 16) for i in (1, 3, 5)) for colour in colours[:3]]
    assert light == sorted(light)


def test_settings_have_panels_side_by_side_a_right_axis_and_phases(runs):
    figure = plot(runs, y="test_acc,distance", panels="data.noise_rate", twin=True, phases=True, x="level")
    left, right = figure.axes[:3], figure.axes[3:]
    assert [axes.get_title() for axes in left] == ["noise rate 0.0", "noise rate 0.2", "noise rate 0.4"]
    assert len(right) == 3
    assert len({axes.get_ylim() for axes in left}) == 1
    assert list(left[0].lines[0].get_xdata()) == list(range(LEVELS))
    assert {"test accuracy, left axis", "learning distance, right axis", "sweet phase"} < {*legend(figure)}


def test_the_generalisation_gap_is_training_less_test_accuracy(runs):
    figure = plot(runs / "e0.2-s1", y="generalization_gap")
    (line,) = figure.axes[0].lines
    train, test = (cells(runs, 0.2, name)[1] for name in ("train_acc", "test_acc"))
    assert line.get_ydata() == pytest.approx([100 * (one - other) for one, other in zip(train, test, strict=True)])
    assert legend(figure) == ["generalisation gap", "each line: one seed"]
    assert "generalization_gap" not in (runs / "e0.2-s1" / "curve.csv").read_text()


def test_the_command_writes_the_figure_and_its_numbers_and_the_same_twice(runs, tmp_path, capsys):
    for form in ("pdf", "png", "svg"):
        paths = [tmp_path / f"{name}.{form}" for name in "ab"]
        for path in paths:
            assert main(["plot", str(runs), "--by", "data.noise_rate", "--out", str(path)]) == 0
        assert paths[0].read_bytes() == paths[1].read_bytes()
    assert str(tmp_path / "b-numbers.csv") in capsys.readouterr().out
    table = list(csv.DictReader((tmp_path / "a-numbers.csv").open()))
    assert len(table) == len(RATES) * LEVELS
    row = next(row for row in table if row["line"] == "0.4" and int(row["n"]) == 3)
    first = [values[0] for values in cells(runs, 0.4, "test_acc")]
    assert float(row["mean"]) == pytest.approx(statistics.mean(first))
    assert float(row["sd"]) == pytest.approx(statistics.stdev(first))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--y", "test_ac"], ["no measure 'test_ac'", "did you mean test_acc?", "distance"]),
        (["--y", ","], ["names no measure"]),
        (["--by", "noise_rate"], ["no run has a setting 'noise_rate'", "did you mean data.noise_rate?"]),
        (["--by", "pruning.retrain"], ["data.noise_rate (0.0, 0.2)", "not averaged", "--panels data.noise_rate"]),
        (["--out", "f.jpg"], [".pdf, .png, .svg"]),
        (["--phases"], ["3 groups"]),
        (["--y", "test_acc", "--twin"], ["takes two"]),
    ],
    ids=" ".join,
)
def test_what_cannot_be_drawn_is_refused_before_anything_is_written(
    runs, tmp_path, monkeypatch, capsys, arguments, words
):
    monkeypatch.chdir(tmp_path)
    assert main(["plot", str(runs), *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert all(word in error for word in words)
    assert list(tmp_path.iterdir()) == []


def test_unfinished_runs_and_other_ways_to_measure_are_named(runs, tmp_path, capsys):
    make_run(tmp_path / "whole", 0)
    make_run(tmp_path / "short", 1, levels=5, finished=False)
    out = tmp_path / "out" / "f.svg"
    assert main(["plot", str(tmp_path), "--by", "data.noise_rate", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "short is unfinished, with 5 of its" in said
    assert "all runs have data.noise_rate=0.4" in said
    counts = [int(row["n"]) for row in csv.DictReader((out.parent / "f-numbers.csv").open())]
    assert counts == [2] * 5 + [1] * (LEVELS - 5)


def test_lines_of_seeds(runs):
    figure = plot([runs / f"e0.2-s{seed}" for seed in SEEDS], by="seed_everything")
    assert len(figure.axes[0].lines) == 3
    assert legend(figure) == ["seed 0", "seed 1", "seed 2", "each line: one seed"]
    with pytest.raises(UserError, match="x is 'epoch'"):
        plot(runs, x="epoch")


def test_a_panel_of_epochs_and_its_numbers():
    column = Column("test_loss", "test loss")
    points = np.arange(1.0, 4.0)
    line = Line(
        "dense", points, np.array([0.5, math.nan, 100.0]), np.array([0.1, 0.1, math.nan]), np.array([2, 2, 1]), column
    )
    panel = Panel("first", (line,), x="epoch")
    (axes,) = draw_panels([panel]).axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("epoch", "test loss", "log")
    assert numbers_table([panel]).splitlines() == [
        "panel,line,measure,axis,x,mean,sd,n",
        "first,dense,test_loss,epoch,1.0,0.5,0.1,2",
        "first,dense,test_loss,epoch,3.0,100.0,,1",
    ]
    assert axis_label([column, Column("train_loss", "training loss")]) == "loss"


def test_a_level_without_weights_stands_at_the_end():
    column = Column("test_acc", "test accuracy", unit="fraction")
    sparsity = np.array([0.0, 0.9, 1.0])
    line = Line("", sparsity, sparsity, sparsity, np.full(3, 1), column)
    (axes,) = draw_panels([Panel("", (line,))]).axes
    assert axes.lines[0].get_xdata() == pytest.approx([0, 1, 1.5])
    assert [text.get_text() for text in axes.get_xticklabels()][-1] == "100"


WIDTHS = ([4], [8], [16])


@pytest.fixture(scope="module")
def widths(tmp_path_factory):
    """Dense networks of three widths, by two seeds, and a pruned run of the widest by the same seeds."""
    folder = tmp_path_factory.mktemp("widths")
    for seed in (0, 1):
        for number, width in enumerate(WIDTHS):
            place = folder / f"w{width[0]}-s{seed}"
            settings = {"model.net.init_args.widths": width, "pruning.levels": 0, "seed_everything": seed}
            make_run(place, 10 * number + seed, levels=1, **settings)
            table = place / "curve.csv"
            lines = [line.split(",") for line in table.read_text().splitlines()]
            lines[1][lines[0].index("remaining")] = str(100 * width[0])
            table.write_text("\n".join(",".join(line) for line in lines) + "\n")
        wide = {"model.net.init_args.widths": [16], "pruning.levels": LEVELS - 1, "seed_everything": seed}
        make_run(folder / f"pruned-s{seed}", 50 + seed, **wide)
    return folder


def _only_row(run):
    (row,) = csv.DictReader((run / "curve.csv").open())
    return {name: float(cell) for name, cell in row.items() if cell}


def test_dense_networks_of_several_widths_are_a_line_over_their_weights(widths):
    figure = plot(widths, x="weights", along="model.net.init_args.widths", by="pruning.levels")
    (axes,) = figure.axes
    assert axes.get_xlabel() == "number of remaining weights"
    assert axes.get_xscale() == "log"
    left, right = axes.get_xlim()
    assert left > right, "most weights at the left"
    dense, pruned = axes.get_lines()[:2]
    assert dense.get_xdata().tolist() == [1600, 800, 400]
    wanted = [
        100 * statistics.fmean(_only_row(widths / f"w{width[0]}-s{seed}")["test_acc"] for seed in (0, 1))
        for width in reversed(WIDTHS)
    ]
    assert dense.get_ydata().tolist() == pytest.approx(wanted)
    assert len(pruned.get_xdata()) == LEVELS
    assert any("2 seeds" in text for text in legend(figure))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"along": "model.net.init_args.widths"}, "set x to weights, not remaining_fraction"),
        ({"along": "data.noise_rate", "x": "weights"}, "along data.noise_rate joins nothing"),
        ({"along": "model.net.widths", "x": "weights"}, "no run has a setting 'model.net.widths'.*did you mean"),
    ],
)
def test_what_cannot_be_joined_is_refused(widths, options, said):
    with pytest.raises(UserError, match=said):
        plot(widths, **options)
