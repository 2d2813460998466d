"""The page as a tool to compare runs: groups and colours by any setting, scatter, parallel axes."""

import json
import math
from collections import defaultdict

import numpy as np
import pytest
from scipy import stats

from sdd.analysis.curve import read_curve
from sdd.analysis.phases import phases_of
from sdd.report.command import report
from tests.report.made_search import CRITERION, FRACTION, NOISE, RATE, random_search

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver import ActionChains, Keys

from tests.report.browser import chromium

RUNS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A random search, with its report beside it."""
    folder = random_search(tmp_path_factory.mktemp("searched") / "search", RUNS)
    assert report([str(folder), "--out", str(folder.parent / "report.html")]) == 0
    return folder


@pytest.fixture(scope="module")
def search(folder):
    """What is in the folders of the search: settings and rows by name."""
    return {
        path.name: (json.loads((path / "settings.json").read_text())["values"], read_curve(path / "curve.csv"))
        for path in folder.iterdir()
    }


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def opened(browser, folder):
    """A function that opens the report at an address."""

    def open_at(address=""):
        browser.open(folder.parent / "report.html", address)
        return browser

    yield open_at
    assert browser.complaints() == []


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def values(page, plot):
    """The lines of a plot, all pieces of one colour together."""
    return page.js(
        f"document.getElementById('plot-{plot}').data.filter((one) => 'meta' in one)"
        ".map(({x, y, line, marker, meta}) => ({x, y, colour: line?.color, colours: marker?.color, meta}))"
    )


def test_a_random_search_opens_as_parallel_axes_with_short_labels(opened, search):
    page = opened()
    assert page.find("#view input[value=parallel]").is_selected()
    lines = [line for line in values(page, "parallel") if line["meta"] == "kept"]
    axes = page.texts("#brushes legend")
    assert axes[:4] == ["noise_rate", "criterion", "lr", "fraction"]
    assert sum(sum(x == 0 for x in line["x"]) for line in lines) == RUNS
    assert max(len(text) for text in page.texts("#list .row .label")) < 60
    titles = page.js("[...document.querySelectorAll('#list .row')].map((one) => one.title)")
    assert all(f"{NOISE}=" in title for title in titles)


def test_groups_by_one_setting_are_means_over_all_its_runs(opened, search):
    page = opened("#view=curves")
    page.click("#by-menu summary")
    page.click("#by-list input[value=some]")
    for name in page.js(
        "[...document.querySelectorAll('#by-list input[type=checkbox]:checked')].map((one) => one.value)"
    ):
        page.click(f"#by-list input[value='{name}']")
    assert page.find("#by-name").text == "all runs together"
    page.click(f"#by-list input[value='{FRACTION}']")
    drawn = page.drawn("test_acc")
    assert list(drawn) == [f"{FRACTION}=0.2", f"{FRACTION}=0.4"]
    for fraction in (0.2, 0.4):
        rows = [rows for settings, rows in search.values() if settings[FRACTION] == fraction]
        mean = np.mean([[row["test_acc"] for row in run] for run in rows], axis=0)
        np.testing.assert_allclose(drawn[f"{FRACTION}={fraction}"]["y"], mean, rtol=1e-13)
        cells = page.texts("#groups-table tbody tr td:nth-child(3)")
        assert str(len(rows)) in cells
    assert "interpolated" not in page.find("#panels-hint").text


def test_runs_of_other_sparsities_are_averaged_by_straight_lines_over_the_logarithm(opened, search):
    page = opened(f"#view=curves&by={NOISE}")
    assert "interpolated on the logarithmic axis" in page.find("#panels-hint").text
    groups = defaultdict(list)
    for settings, rows in search.values():
        groups[settings[NOISE]].append(rows)
    drawn = page.drawn("test_acc")
    assert list(drawn) == [f"{NOISE}={rate:g}" for rate in sorted(groups)]
    for rate, members in groups.items():
        shown = drawn[f"{NOISE}={rate:g}"]
        on = np.array(shown["x"])
        lines = [
            np.interp(
                on,
                [-math.log10(1 - row["sparsity"]) for row in rows],
                [row["test_acc"] for row in rows],
                right=math.nan,
            )
            for rows in members
        ]
        np.testing.assert_allclose(shown["y"], np.nanmean(lines, axis=0), rtol=1e-9)
    brightness = [luminance(line["colour"]) for line in drawn.values()]
    assert brightness == sorted(brightness)


def test_many_values_are_cut_into_fifths_of_the_runs(opened, search):
    page = opened(f"#view=curves&by={RATE}")
    counts = [int(text) for text in page.texts("#groups-table tbody tr td:nth-child(3)")]
    assert counts == [RUNS // 5] * 5
    rates = sorted(settings[RATE] for settings, _ in search.values())
    first = page.texts("#groups-table tbody th")[0]
    low, high = (float(text) for text in first.removeprefix("lr=").split(" to "))
    assert low == pytest.approx(rates[0], rel=1e-3)
    assert high == pytest.approx(rates[RUNS // 5 - 1], rel=1e-3)


def test_a_scatter_has_every_runs_two_values_and_their_rank_correlation(opened, search):
    page = opened(f"#view=scatter&x={RATE}&y=depth&colour={CRITERION}")
    (points,) = [one for one in values(page, "scatter") if one["meta"] == "runs"]
    expected = {}
    for settings, rows in search.values():
        if (depth := phases_of(rows).depth) is not None and math.isfinite(depth):
            expected[settings[RATE]] = (100 * depth, settings[CRITERION])
    assert sorted(points["x"]) == sorted(expected)
    for x, y in zip(points["x"], points["y"], strict=True):
        assert y == pytest.approx(expected[x][0], rel=1e-12)
    colours = {expected[x][1]: colour for x, colour in zip(points["x"], points["colours"], strict=True)}
    assert len({*colours.values()}) == 2
    rho = stats.spearmanr(list(expected), [depth for depth, _ in expected.values()]).statistic
    hint = page.find("#scatter-hint").text
    assert f"(n = {len(expected)}; {RUNS - len(expected)} more have no value)" in hint
    assert f"ρ over the points: {rho:.2f}".replace("-", "−") in hint
    assert page.js("document.getElementById('plot-scatter').layout.xaxis.type") == "log"
    page.browser.execute_script(
        "const box = document.getElementById('scatter-x'); box.value = arguments[0];"
        "box.dispatchEvent(new Event('change', { bubbles: true }))",
        NOISE,
    )
    page.settled()
    noises = {settings[RATE]: settings[NOISE] for settings, _ in search.values()}
    pairs = [(noises[rate], depth) for rate, (depth, _) in expected.items()]
    rho = stats.spearmanr(*zip(*pairs, strict=True)).statistic
    assert f"ρ over the points: {rho:.2f}".replace("-", "−") in page.find("#scatter-hint").text, "with ties"
    page.click("#scatter-swap")
    rows = page.csv("#scatter button[aria-label='Scatter as CSV']")
    assert list(rows[0]) == ["run", "group", "seed_everything", "depth", NOISE]
    assert {row["run"]: float(row[NOISE]) for row in rows} == {
        name: settings[NOISE] for name, (settings, _) in search.items()
    }


def test_what_remains_is_the_number_of_the_curve_to_its_last_digit(opened, search):
    page = opened("#view=scatter&x=remaining@best&y=test_acc@highest")
    best = [max(rows, key=lambda row: row["test_acc"]) for _, rows in search.values()]
    (points,) = [one for one in values(page, "scatter") if one["meta"] == "runs"]
    assert sorted(points["x"]) == sorted(100 * row["remaining_fraction"] for row in best)
    assert any(row["remaining_fraction"] != 1 - row["sparsity"] for row in best)


def test_a_range_by_keyboard_keeps_the_runs_in_it_and_they_can_be_picked(opened, search):
    page = opened()
    slider = page.find(f"[id='brush-{NOISE}-low']")
    page.browser.execute_script("arguments[0].focus()", slider)
    slider.send_keys(Keys.ARROW_RIGHT, Keys.PAGE_UP)
    page.settled()
    low = float(slider.get_attribute("aria-valuetext"))
    assert 0 < low <= 0.1
    inside = {name for name, (settings, _) in search.items() if settings[NOISE] >= low}
    assert page.find("#kept").text == f"{len(inside)} of {RUNS} runs kept"
    lines = values(page, "parallel")
    assert sum(sum(x == 0 for x in line["x"]) for line in lines if line["meta"] == "kept") == len(inside)
    page.click("#brush-pick")
    assert page.find("#picked").text == f"{len(inside)} of {RUNS} runs"
    page.click("#view input[value=curves]")
    shown = page.js(
        "document.getElementById('plot-test_acc').data.filter((one) => 'meta' in one).flatMap((one) => one.y)"
    )
    held = [row["test_acc"] for name in inside for row in search[name][1]]
    assert sorted(value for value in shown if value is not None) == sorted(held)


def test_a_range_by_mouse_does_the_same(opened, search):
    page = opened()
    place = page.texts("#brushes legend").index("lr")
    titles = page.js("[...document.querySelectorAll('.brush-strip')].map((one) => one.title)")
    strip = page.all(".brush-strip")[next(index for index, title in enumerate(titles) if RATE in title)]
    page.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", strip)
    height = strip.size["height"]
    actions = ActionChains(page.browser)
    actions.move_to_element_with_offset(strip, 0, round(height * 0.45)).click_and_hold()
    actions.move_to_element_with_offset(strip, 0, 0).release().perform()
    page.settled()
    low, high = (float(text) for text in page.texts("#brushes output")[place - 1].split(" – "))
    rates = [settings[RATE] for settings, _ in search.values()]
    assert min(rates) < low < high < max(rates)
    assert page.find("#kept").text == f"{sum(low <= rate <= high for rate in rates)} of {RUNS} runs kept"
    page.browser.refresh()
    page.until("document.querySelectorAll('#parallel .main-svg').length > 0")
    page.settled()
    assert page.texts("#brushes output")[place - 1] == f"{low:g} – {high:g}"
    assert page.find("#kept").text == f"{sum(low <= rate <= high for rate in rates)} of {RUNS} runs kept"
    page.click("#brush-clear")
    assert page.find("#kept").text == ""


def test_colours_of_a_setting_that_is_no_number_are_no_scale(opened):
    page = opened(f"#view=curves&colour={CRITERION}")
    assert page.find("#legend .key").text.split() == ["criterion", "magnitude", "random"]
    assert len({line["colour"] for line in values(page, "test_acc")}) == 2
