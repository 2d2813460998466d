"""Figures of groups: their size, their words, their colours, and that the same picture is the same file."""

import struct
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure

from sdd.analysis.columns import built_in
from sdd.analysis.compare import analyse_group
from sdd.analysis.drawing import is_wide, scale_for
from sdd.analysis.figures import COLUMN_WIDTH, draw_group, draw_loss_curves, draw_tickets
from sdd.analysis.grouping import group_runs
from sdd.analysis.loss_curves import LossCurve
from sdd.analysis.reading import read_runs
from sdd.analysis.summary import finite
from sdd.analysis.tickets import pair_groups
from tests.analysis.test_comparison import make_run


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for seed in range(3):
        make_run(folder / f"l{seed}", seed)
        make_run(folder / f"r{seed}", seed, **{"pruning.retrain": "scratch", "pruning.masks_from": "l"})
    return group_runs(read_runs([folder]).runs)


def check(paths):
    """PNG of a column's width at 300 dots an inch, SVG that parses and holds no NaN; returns the SVG."""
    png, svg = paths
    head = png.read_bytes()
    assert head.startswith(b"\x89PNG")
    assert struct.unpack(">I", head[16:20])[0] == round(300 * COLUMN_WIDTH)
    ET.parse(svg)
    text = svg.read_text()
    assert "nan" not in text.lower().replace("nano", "")
    return text


def test_a_group_has_each_measure_in_its_colour(groups, tmp_path):
    analysis = analyse_group(groups[0])
    text = check(draw_group(analysis, tmp_path / "a=0.5", ["distance", "sharpness", "hessian_trace"])).lower()
    for name in ("test_acc", "distance", "sharpness"):
        assert built_in()[name].colour.lower() in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a=0.5.png", "a=0.5.svg"]
    assert draw_group(analysis, tmp_path / "none", ["hessian_trace"]) == []


def test_levels_that_were_not_measured_leave_no_gap_and_no_nan(groups, tmp_path):
    analysis = analyse_group(groups[0])
    for level in analysis["levels"][1::3]:
        del level["sharpness"]
    for level in analysis["levels"][::5]:
        level["distance"] |= {"sd": None}
    check(draw_group(analysis, tmp_path / "gaps", ["distance", "sharpness"]))


def test_the_same_picture_is_the_same_file(groups, tmp_path):
    analysis = analyse_group(groups[0])
    first, second = (draw_group(analysis, tmp_path / name, ["distance"]) for name in "ab")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_tickets_are_drawn_with_one_pair_and_with_several(groups, tmp_path):
    check(draw_tickets(finite(pair_groups(*groups)), tmp_path / "tickets", built_in()["test_acc"]))
    comparison = finite(pair_groups(*groups))
    for level in comparison["levels"]:
        level |= {"low": None, "high": None}
    check(draw_tickets(comparison, tmp_path / "single", built_in()["test_acc"]))
    assert draw_tickets({"levels": []}, tmp_path / "none", built_in()["test_acc"]) == []


def test_loss_curves_of_one_and_of_several_directions(tmp_path):
    alpha = np.linspace(-1, 1, 9)
    curves = [
        LossCurve(level, 1 - 0.8**level, alpha, 0.01 + alpha**2 * (9 - level), spread, 3)
        for level, spread in ((0, np.full(9, 0.1)), (5, np.full(9, np.nan)), (8, np.full(9, 0.1)))
    ]
    check(draw_loss_curves(curves, tmp_path / "loss", {0: "dense"}))
    assert draw_loss_curves([], tmp_path / "none") == []


@pytest.mark.parametrize(
    ("values", "wide"),
    [([1.0, 21.0], True), ([1.0, 19.0], False), ([0.0, 100.0], False), ([-1.0, 100.0], False), ([np.nan], False)],
)
def test_wide_positive_values_get_a_logarithmic_axis(values, wide):
    assert is_wide(np.array(values)) is wide


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1, 21], [1, 100]),
        ([1, 21], [1, 1e5]),
        ([1, 21], [1e-6, 1e-4]),
        ([1e-6, 1e-4], [1e-6, 1e-4]),
        ([1e-30, 1e30], [1, 21]),
    ],
)
def test_logarithmic_axes_that_are_shared_are_labelled_for_all_that_they_show(first, second):
    figure = Figure()
    upper, lower = figure.subplots(2, 1, sharey=True)
    for axes, values in ((upper, first), (lower, second)):
        axes.plot(values)
        scale_for(axes, np.array(values, float))
    figure.draw_without_rendering()
    for axes in (upper, lower):
        low, high = axes.get_ylim()
        labels = [label.get_text() for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high]
        assert 3 <= len(labels) < 20, labels
        assert all(labels), labels
        assert len(set(labels)) == len(labels), "each tick says a number of its own"


def test_a_full_disk_leaves_the_old_figure(groups, tmp_path, monkeypatch):
    (tmp_path / "f.png").write_text("old")
    monkeypatch.setattr("sdd.files.os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        draw_group(analyse_group(groups[0]), tmp_path / "f", ["distance"])
    assert (tmp_path / "f.png").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["f.png"]
