"""Pictures are drawn whatever the rows hold, and nothing in them overlaps."""

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

from sdd.analysis.columns import built_in
from sdd.analysis.drawing import sparsity_places, write_figure
from sdd.analysis.panel_drawing import draw_panels
from sdd.analysis.panels import Line, Panel
from sdd.analysis.phases import phases_of
from sdd.analysis.plots import curve_figure, draw_curve
from sdd.measures.columns import Column


def make_rows(levels=35, shrink=0.8):
    at = np.arange(levels)
    test = np.interp(at, [0, 6, 15, 28, 34], [0.68, 0.68, 0.60, 0.82, 0.65])
    memorized = 1 / (1 + np.exp((at - 17) / 2))
    return [
        {
            "level": int(level),
            "sparsity": 1 - shrink**level,
            "remaining": round(49200 * shrink**level),
            "train_acc": 0.55 + 0.45 * memorized[level],
            "memorized": memorized[level],
            "recovered": 0.8 * (1 - memorized[level]),
            "test_acc": test[level],
            "distance": 15 + 5 * math.cos(level / 5),
        }
        for level in at
    ]


def without_last(rows):
    return [*rows[:-1], rows[-1] | {"sparsity": 1.0, "remaining": 0}]


def with_gaps(rows):
    gaps = ("memorized", "recovered", "train_acc")
    return [row | dict.fromkeys(gaps, math.nan) | ({"test_acc": math.nan} if row["level"] == 3 else {}) for row in rows]


VARIANTS = {
    "full": make_rows(),
    "none remaining": without_last(make_rows()),
    "gaps": with_gaps(make_rows()),
    "one row": make_rows()[:1],
    "two rows": make_rows()[:2],
    "no rows": [],
    "first columns only": [{"level": 0, "sparsity": 0.0, "remaining": 5}],
    "all removed": [{"level": 0, "sparsity": 1.0, "remaining": 0, "test_acc": 0.1}],
    "many decades": make_rows(35, 0.6),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_everything_can_be_drawn(tmp_path, name):
    rows = VARIANTS[name]
    draw_curve(rows, phases_of(rows), tmp_path / "curve.png", title=name)
    assert [path.name for path in tmp_path.iterdir()] == ["curve.png"], "nothing else is left"
    assert imread(tmp_path / "curve.png").shape[1] == 1000


def extents(figure, texts):
    renderer = FigureCanvasAgg(figure).get_renderer()
    return sorted(
        (text.get_window_extent(renderer).extents for text in texts if text.get_text()), key=lambda box: box[0]
    )


@pytest.mark.parametrize("width", [3.3, 5.0, 6.0])
@pytest.mark.parametrize("name", ["full", "none remaining", "many decades"])
def test_labels_do_not_overlap_and_stay_inside(name, width):
    rows = VARIANTS[name]
    figure = curve_figure(rows, phases_of(rows), title="Digits", width=width)
    FigureCanvasAgg(figure).draw()
    upper, lower = figure.axes
    phases = [text for text in upper.texts if text.get_text() in ("light", "critical", "sweet", "collapsed")]
    assert len(phases) == 4
    for texts in (lower.get_xticklabels(), phases):
        boxes = extents(figure, texts)
        assert all(left[2] < right[0] for left, right in pairwise(boxes))
        assert boxes[0][0] >= 0
        assert boxes[-1][2] <= figure.bbox.width


def test_ticks_name_what_remains_where_it_is():
    lower = curve_figure(make_rows(), None).axes[1]
    ticks = {label.get_text(): place for place, label in zip(lower.get_xticks(), lower.get_xticklabels(), strict=True)}
    assert {"100", "50", "20", "10", "5", "1", "0.1"} <= set(ticks)
    assert lower.get_xlabel() == "remaining weights (%)"
    for label, place in ticks.items():
        assert place == pytest.approx(-math.log10(float(label) / 100), abs=1e-9)


def test_a_level_with_nothing_left_stands_after_the_last_and_is_labelled():
    assert sparsity_places([0, 0.9, 1.0]).tolist() == pytest.approx([0, 1, 1.5])
    figure = curve_figure(without_last(make_rows()), None)
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()][-1] == "0"


def test_lines_have_the_colour_of_their_measure_and_trough_and_peak_their_value():
    rows = make_rows()
    upper, lower = curve_figure(rows, phases_of(rows)).axes
    colours = {name: column.colour for name, column in built_in().items()}
    by_colour = {line.get_color(): line for line in reversed(upper.lines)}
    assert by_colour[colours["memorized"]].get_ydata() == pytest.approx([100 * row["memorized"] for row in rows])
    assert by_colour[colours["test_acc"]].get_ydata() == pytest.approx([100 * row["test_acc"] for row in rows])
    assert lower.lines[0].get_color() == colours["distance"]
    assert {"60.0", "82.0"} <= {text.get_text() for text in upper.texts}


def test_further_measures_have_panels_of_their_own_joined_across_levels_that_lack_them():
    rows = [
        row | ({} if row["level"] % 2 else {"norm": 10.0 ** (row["level"] / 4), "lost": 0.5}) for row in make_rows()
    ]
    columns = {"norm": Column("norm", "a rather long label of it", unit="$mm", colour="#AA3377")}
    columns |= {"lost": Column("lost", "lost", unit="fraction"), "detail": Column("detail", "detail", detail=True)}
    figure = curve_figure([row | {"detail": 1.0, "all_nan": math.nan} for row in rows], None, columns=columns)
    FigureCanvasAgg(figure).draw()
    _, _, norm, lost = figure.axes
    assert norm.get_ylabel().replace("\n", " ") == "a rather long label of it ($mm)"
    assert len(norm.get_ylabel().splitlines()) > 1
    assert norm.get_yscale() == "log"
    assert norm.lines[0].get_ydata().tolist() == [row["norm"] for row in rows if "norm" in row]
    assert lost.get_ylabel() == "lost (%)"
    assert set(lost.lines[0].get_ydata()) == {50.0}
    assert lost.get_xlabel() == "remaining weights (%)"


def test_a_picture_has_a_few_further_panels_at_the_most():
    rows = [row | {f"measure{number}": 1.0 for number in range(9)} for row in make_rows()]
    assert [axes.get_ylabel() for axes in curve_figure(rows, None).axes[2:]] == [f"measure{n}" for n in range(4)]


def test_threads_draw_the_same_as_one(tmp_path):
    rows = make_rows()
    phases = phases_of(rows)

    def draw(number):
        draw_curve(rows, phases, tmp_path / f"{number}.png")
        return (tmp_path / f"{number}.png").read_bytes()

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(draw, range(3)))) == 1


@pytest.mark.parametrize("width", [3.3, 6.0])
@pytest.mark.parametrize("light", [1, 2, 12])
def test_a_phase_is_named_over_its_own_band_or_not_at_all(light, width):
    rows = make_rows(20)
    accuracy = [0.7] * light + [0.5, 0.5, 0.6, 0.7, *np.linspace(0.8, 0.9, 15 - light), 0.7]
    rows = [row | {"test_acc": float(value)} for row, value in zip(rows, accuracy, strict=True)]
    phases = phases_of(rows)
    upper, _ = curve_figure(rows, phases, width=width).axes
    named = {text.get_text(): text.get_position()[0] for text in upper.texts if text.get_text() in phases.names}
    assert len(named) >= (3 if width == 6 else 1), "a band of one level is too narrow in a small picture"
    places = sparsity_places([row["sparsity"] for row in rows])
    for name, place in named.items():
        inside = [at for at, level in zip(places, phases.names, strict=True) if level == name]
        before = [at for at in places if at < min(inside)]
        assert max(before, default=-1) <= place <= max(inside) + 0.1, name


def test_an_undecided_curve_has_its_trough_and_peak_marked_and_no_phases():
    rows = [
        row | {"test_acc": value} for row, value in zip(make_rows(7), [0.7, 0.7, 0.6, 0.7, 0.7, 0.8, 0.7], strict=True)
    ]
    phases = phases_of(rows)
    assert phases.double_descent is None
    upper, _ = curve_figure(rows, phases).axes
    assert {text.get_text() for text in upper.texts} == {"60.0", "80.0"}


def test_titles_and_labels_are_shown_as_they_are_not_read_as_mathematics(tmp_path):
    """A folder may be called so, and a setting have such a value; matplotlib would end at half a formula."""
    text = "$x_{$"
    panel = Panel(text, (Line.over_runs(text, np.array([0.0, 0.5]), np.ones((1, 2)), built_in()["test_acc"]),))
    figure = draw_panels([panel, panel], title=text)
    write_figure(figure, tmp_path / "panels.png", 72)
    assert figure.get_suptitle() == text
    rows = [{"level": level, "sparsity": level / 2, "test_acc": 0.5, "train_acc": 1.0} for level in (0, 1)]
    draw_curve(rows, None, tmp_path / "curve.png", title=text)
    assert (tmp_path / "curve.png").is_file()
