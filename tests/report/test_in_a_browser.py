"""The page as a reader uses it."""

import json
import math
import time
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from sdd.analysis.curve import read_curve, write_curve
from sdd.analysis.phases import phases_of
from sdd.report.command import report
from sdd.report.content import report_content
from sdd.report.folders import read_folders
from sdd.report.page import page_html
from tests.analysis.test_comparison import make_run
from tests.report.made_runs import every_state, full_run

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver import ActionChains

from tests.report.browser import chromium

LEVELS = 12
EVIL = "<img src=x onerror=console.error(1)></script>%{y}$x$"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Three noise rates, three seeds each, and one more that is not finished."""
    folder = tmp_path_factory.mktemp("reported") / "sweep"
    for rate in (0.0, 0.2, 0.4):
        for seed in range(3):
            full_run(folder / f"r{rate}-s{seed}", seed, levels=LEVELS, **{"data.noise_rate": rate})
    make_run(folder / "late", 3, finished=False, levels=9, **{"data.noise_rate": 0.4, "pruning.levels": LEVELS - 1})
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.png").write_text("")
    assert report([str(folder), "--out", str(folder.parent / "report.html")]) == 0
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(browser, sweep):
    browser.open(sweep.parent / "report.html")
    yield browser
    assert browser.complaints() == []


def curves(sweep, rate, seeds=range(3)):
    return [read_curve(sweep / f"r{rate}-s{seed}" / "curve.csv") for seed in seeds]


def column(rows, name):
    return [row[name] for row in rows]


def test_groups_show_the_means_of_their_curves_and_the_picked_ones_only(page, sweep):
    labels = [f"data.noise_rate={rate}" for rate in (0.0, 0.2, 0.4)]
    assert list(page.drawn("test_acc")) == labels
    page.click("#list label:nth-child(3) input")
    assert list(page.drawn("test_acc")) == labels[:2]
    assert page.find("#picked").text == "2 of 3 groups"
    for name in ("test_acc", "train_acc", "memorized", "distance", "hessian_top", "hessian_trace", "sharpness"):
        for rate, label in zip((0.0, 0.2), labels, strict=False):
            files = curves(sweep, rate)
            shown = page.drawn(name)[label]
            np.testing.assert_allclose(shown["y"], np.mean([column(rows, name) for rows in files], axis=0), rtol=1e-14)
            places = [-math.log10(1 - share) for share in column(files[0], "sparsity")]
            np.testing.assert_allclose(shown["x"], places, rtol=1e-12)
    page.click("#pick-none")
    assert page.drawn("test_acc") == {}
    assert page.find("#panels-hint").text.startswith("Nothing is picked")
    page.click("#pick-all")
    assert list(page.drawn("test_acc")) == labels


def test_single_runs_show_their_file_to_the_last_bit(page, sweep):
    page.click("#mode label:nth-child(2)")
    shown = page.drawn("distance")
    assert len(shown) == 10
    for seed, rows in enumerate(curves(sweep, 0.2)):
        assert shown[f"data.noise_rate=0.2 · seed {seed}"]["y"] == column(rows, "distance")
    page.click("#scale label:nth-child(2)")
    linear = page.drawn("distance")["data.noise_rate=0.2 · seed 0"]
    assert linear["x"] == column(curves(sweep, 0.2)[0], "sparsity")


def test_the_filter_leaves_what_fits_and_all_and_none_act_on_it(page):
    page.click("#mode label:nth-child(2)")
    page.click("#pick-none")
    page.find("#search").send_keys("rate=0.4 seed=1")
    assert page.texts("#list .row .label") == ["seed 1"]
    page.click("#pick-all")
    assert list(page.drawn("test_acc")) == ["data.noise_rate=0.4 · seed 1"]
    page.find("#search").send_keys(" nonsense")
    assert page.texts("#list .hint") == ["Nothing fits the filter."]


def test_trough_and_peak_are_marked_and_the_phases_of_a_single_curve_shaded(browser, tmp_path):
    run = make_run(tmp_path / "run", 0)
    report([str(run), "--out", str(tmp_path / "report.html")])
    browser.open(tmp_path / "report.html")
    phases, rows = phases_of(read_curve(run / "curve.csv")), read_curve(run / "curve.csv")
    marks = browser.js(
        "document.getElementById('plot-test_acc').data.filter((one) => one.name === 'trough and peak')"
        ".map(({x, y, marker}) => ({x, y, symbol: marker.symbol}))[0]"
    )
    assert marks["symbol"] == ["triangle-down", "triangle-up"]
    assert marks["y"] == [rows[phases.trough]["test_acc"], rows[phases.peak]["test_acc"]]
    shapes = browser.js("document.getElementById('plot-distance').layout.shapes.map(({x0, x1}) => [x0, x1])")
    edges = [phases.boundaries.light_critical, phases.boundaries.critical_sweet, phases.boundaries.sweet_collapsed]
    np.testing.assert_allclose([end for _, end in shapes[:-1]], [-math.log10(1 - edge) for edge in edges], rtol=1e-12)
    assert browser.complaints() == []


def test_a_highlighted_curve_has_its_phases_shaded(page):
    count = "document.getElementById('plot-test_acc').layout.shapes.length"
    assert page.js(count) == 0
    descends = page.js(
        "JSON.parse(document.getElementById('data').textContent).groups.findIndex((one) => one.phases.double_descent)"
    )
    chip = f"#legend .chip:nth-of-type({max(descends, 0) + 1})"
    page.click(chip)
    assert page.find(chip).get_attribute("aria-pressed") == "true"
    assert (page.js(count) > 0) == (descends >= 0)


def test_a_header_sorts_numbers_as_numbers_and_missing_ones_last(page):
    heads = "#runs-table th[data-key='{}'] button"
    values = "#runs-table tbody tr td:nth-child({})"

    def shown(key):
        place = page.js(
            f"[...document.querySelectorAll('#runs-table thead th')].findIndex((h) => h.dataset.key === '{key}')"
        )
        return page.texts(values.format(place + 1))

    page.click(heads.format("spearman_distance"))
    assert page.find("#runs-table th[data-key='spearman_distance']").get_attribute("aria-sort") == "descending"
    numbers = [float(text.replace("−", "-")) for text in shown("spearman_distance")[:-1]]
    assert numbers == sorted(numbers, reverse=True)
    assert len({*numbers}) > 3
    assert shown("spearman_distance")[-1] == "–"
    page.click(heads.format("spearman_distance"))
    assert page.find("#runs-table th[data-key='spearman_distance']").get_attribute("aria-sort") == "ascending"
    numbers = [float(text.replace("−", "-")) for text in shown("spearman_distance")[:-1]]
    assert numbers == sorted(numbers)
    assert shown("spearman_distance")[-1] == "–"
    page.click(heads.format("run"))
    names = page.texts("#runs-table tbody th")
    assert names == sorted(names)
    assert page.all("#runs-table th[aria-sort]") == [page.find("#runs-table th[data-key='run']")]


def test_a_run_opens_with_its_configuration_environment_and_loss_curves(page, sweep):
    page.click("#runs-table tbody tr td:nth-child(3)")
    assert page.find("#detail h2").text == "r0.0-s0"
    settings = json.loads((sweep / "r0.0-s0" / "settings.json").read_text())["values"]
    del settings["seed_everything"]
    names = page.texts("#detail .settings th")
    assert sorted(names) == sorted(settings)
    assert names[0] in {"data.noise_rate", "pruning.levels"}
    assert "python" in page.texts("#detail dt")
    assert "30 of 200 (15.0 %)" in page.texts("#detail dd")
    page.click("#detail .parts summary")
    assert page.texts("#detail .parts td") == ["70", "30", "0", "100"]
    assert page.find("#detail .path a").get_attribute("href").endswith("/sweep/r0.0-s0/")
    before = page.js("document.getElementById('plot-loss').data.length")
    page.click("#detail .levels button[aria-pressed='false']")
    assert page.js("document.getElementById('plot-loss').data.length") == before + 2
    page.find("#detail input[type=search]").send_keys("noise")
    assert [row.text.split()[0] for row in page.all("#detail .settings tr") if row.is_displayed()] == [
        "data.noise_rate"
    ]
    page.browser.switch_to.active_element.send_keys("\ue00c")
    assert not page.find("#detail").is_displayed()


def test_states_are_shown(page):
    states = dict(zip(page.texts("#runs-table tbody th"), page.texts("#runs-table tbody .state"), strict=True))
    assert states["r0.0-s0"] == "finished"
    assert states["late"] == "unfinished"
    assert states["pictures"] == "no run"
    assert "with 9 of its 12 levels" in " ".join(page.texts("#runs-table tbody .wide"))


def test_a_figures_data_are_those_of_the_curves_to_the_last_digit(page, sweep):
    rows = page.csv("#panels .panel:first-child button[aria-label='Test accuracy as CSV']")
    assert list(rows[0]) == ["measure", "group", "level", "sparsity", "remaining_fraction", "mean", "sd", "n"]
    found = [row for row in rows if row["group"] == "data.noise_rate=0.2"]
    values = np.array([column(curve, "test_acc") for curve in curves(sweep, 0.2)])
    np.testing.assert_allclose([float(row["mean"]) for row in found], values.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose([float(row["sd"]) for row in found], values.std(axis=0, ddof=1), rtol=1e-12)
    assert {row["n"] for row in found} == {"3"}
    page.click("#mode label:nth-child(2)")
    rows = page.csv("#data-csv")
    assert list(rows[0]) == ["measure", "run", "group", "seed", "level", "sparsity", "remaining_fraction", "value"]
    for measure in ("test_acc", "sharpness"):
        found = [row for row in rows if (row["measure"], row["run"]) == (measure, "r0.4-s2")]
        held = curves(sweep, 0.4, [2])[0]
        assert [float(row["value"]) for row in found] == column(held, measure)
        for name in ("sparsity", "remaining_fraction"):
            assert [float(row[name]) for row in found] == column(held, name)
        assert {row["seed"] for row in found} == {"2"}


def test_the_tables_come_as_csv_in_their_order_here(page, sweep):
    page.click("#runs-table th[data-key='run'] button")
    rows = page.csv("#runs-csv")
    assert [row["run"] for row in rows] == page.texts("#runs-table tbody th")
    row = next(row for row in rows if row["run"] == "r0.2-s1")
    held = curves(sweep, 0.2, [1])[0]
    assert float(row["dense_test_acc"]) == held[0]["test_acc"]
    assert row["data.noise_rate"] == "0.2"
    assert row["state"] == "finished"
    groups = page.csv("#groups-csv")
    assert [row["group"] for row in groups] == [f"data.noise_rate={rate}" for rate in ("0.0", "0.2", "0.4")]


def test_figures_come_as_pictures(page):
    png = page.downloaded("#panels .panel:first-child button[aria-label='Test accuracy as PNG']").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == 1720
    svg = page.downloaded("#panels .panel:first-child button[aria-label='Test accuracy as SVG']").read_text()
    words = " ".join(text for text in ElementTree.fromstring(svg).itertext() if text.strip())
    assert "noise_rate=0.2 (n = 3)" in words
    assert "Remaining weights (%)" in words
    assert words.count("Test accuracy (%)") == 2, "the title, and the vertical axis"
    assert "means over the runs of a group (n = 3 to 4; they differ only in the seed)" in words
    assert "bands: one standard deviation over runs to each side" in words


def test_the_address_keeps_what_is_picked(page):
    page.click("#mode label:nth-child(2)")
    page.click("#pick-none")
    page.click("#list details:nth-child(2) label:nth-of-type(2) input")
    page.click("#scale label:nth-child(2)")
    page.click("#runs-table th[data-key='gain'] button")
    before = page.drawn("test_acc")
    assert list(before) == ["data.noise_rate=0.2 · seed 1"]
    page.browser.refresh()
    page.until("document.querySelectorAll('#panels .main-svg').length > 0")
    page.settled()
    assert page.drawn("test_acc") == before
    assert page.find("#runs-table th[data-key='gain']").get_attribute("aria-sort") == "descending"
    assert "mode=runs" in unquote(page.browser.current_url)


def test_names_are_text_wherever_they_stand(browser, tmp_path):
    for seed in range(2):
        full_run(tmp_path / "runs" / f"<b>{seed}<i>", seed, levels=6, **{"model.name": EVIL})
    make_run(tmp_path / "runs" / "other", 0)
    report([str(tmp_path / "runs"), "--out", str(tmp_path / "report.html")])
    browser.open(tmp_path / "report.html")
    browser.click("#legend .chip")
    browser.click("#runs-table tbody .link")
    assert browser.texts("#runs-table tbody th")[0] == "<b>0<i>"
    assert any(
        EVIL in title for title in browser.js("[...document.querySelectorAll('#legend .chip')].map((one) => one.title)")
    )
    assert browser.texts("#detail h2") == ["<b>0<i>"]
    assert EVIL in browser.texts("#detail .settings td")
    svg = browser.downloaded("#panels .panel:first-child button[aria-label='Test accuracy as SVG']").read_text()
    assert any(EVIL in text for text in ElementTree.fromstring(svg).itertext())
    assert browser.js("document.querySelectorAll('img[src=x]').length") == 0
    assert browser.complaints() == []


@pytest.mark.slow
def test_a_measure_of_the_users_own_has_a_panel_whatever_its_name(browser, tmp_path):
    name = 'A,b "50 %" <i>&=#'
    for seed in range(2):
        run = make_run(tmp_path / "runs" / f"s{seed}", seed)
        rows = [row | {name: seed + row["level"] / 7} for row in read_curve(run / "curve.csv")]
        write_curve(run / "curve.csv", rows)
    report([str(tmp_path / "runs"), "--out", str(tmp_path / "report.html")])
    browser.open(tmp_path / "report.html")
    assert name in browser.texts("#panels h3")
    browser.click("#panel-menu summary")
    browser.click("#panel-list label:nth-child(1) input")
    browser.click("#panel-menu summary")
    browser.browser.refresh()
    browser.until("document.querySelectorAll('#panels .main-svg').length > 0")
    browser.settled()
    shown = [card.text.splitlines()[0] for card in browser.all("#panels .panel") if card.is_displayed()]
    assert name in shown
    assert "Test accuracy (%)" not in shown
    rows = browser.csv("#data-csv")
    found = {int(row["level"]): float(row["mean"]) for row in rows if row["measure"] == name}
    assert found == {level: (level / 7 + (1 + level / 7)) / 2 for level in range(20)}
    assert browser.complaints() == []


def test_the_point_under_the_pointer_says_what_it_is(page, sweep):
    means = [page.drawn("test_acc")[f"data.noise_rate={rate}"]["y"][:9] for rate in (0.0, 0.2, 0.4)]
    level = int(np.argmax(np.abs(np.subtract(means[0], means[1:])).min(axis=0)))  # there it has no other point near
    page.browser.execute_script("document.getElementById('plot-test_acc').scrollIntoView({block: 'center'})")
    x, y = page.js(
        "((level) => { const plot = document.getElementById('plot-test_acc');"
        "const { xaxis, yaxis } = plot._fullLayout;"
        "const [{ x, y }] = plot.data.filter((one) => 'meta' in one);"
        "const { left, top } = plot.getBoundingClientRect();"
        "return [left + xaxis._offset + xaxis.d2p(x[level]), top + yaxis._offset + yaxis.d2p(y[level])];"
        "})(...arguments)",
        level,
    )
    actions = ActionChains(page.browser)
    actions.w3c_actions.pointer_action.move_to_location(round(x) - 1, round(y) - 1)
    actions.w3c_actions.pointer_action.move_to_location(round(x), round(y))
    actions.perform()
    # The pointer may have been over another point before.
    page.until("(tip => !tip.hidden && tip.innerText.includes('noise_rate=0.0'))(document.getElementById('tip'))")
    values = np.array([column(curve, "test_acc") for curve in curves(sweep, 0.0)])[:, level]
    said = page.find("#tip").text.splitlines()
    assert said[0].strip() == "data.noise_rate=0.0"
    assert said[1] == f"{100 * values.mean():.2f} % ± {100 * values.std(ddof=1):.2f} % (sd, n = 3)"
    assert f"sparsity, level {level}" in said[2]


def test_every_state_is_on_the_page(browser, tmp_path):
    assert report([str(every_state(tmp_path / "runs")), "--out", str(tmp_path / "report.html")]) == 1
    browser.open(tmp_path / "report.html")
    names = browser.texts("#runs-table tbody th")
    states = dict(zip(names, browser.texts("#runs-table tbody .state"), strict=True))
    assert states == {
        "finished": "finished",
        "unfinished": "unfinished",
        "short": "damaged",
        "summary": "damaged",
        "bad-settings": "damaged",
        "claimed": "no level yet",
        "cut": "damaged",
        "no-settings": "damaged",
        "pictures": "no run",
        "started": "no level yet",
    }
    assert browser.complaints() == []


@pytest.mark.slow
def test_a_page_under_watch_reads_itself_anew_where_it_was_and_others_do_not(browser, tmp_path):
    def write(watch):
        folders = read_folders([tmp_path / "runs"])
        content = report_content(folders, title="runs", made="now", out=tmp_path / "report.html", watch=watch)
        (tmp_path / "report.html").write_text(page_html(content))

    for seed in range(12):
        make_run(tmp_path / "runs" / f"s{seed:02d}", seed)
    write(1.0)
    browser.open(tmp_path / "report.html")
    browser.click("#mode label:nth-child(2)")
    browser.click("#pick-none")
    browser.click("#list .row:nth-of-type(2) input")
    browser.browser.execute_script(
        "scrollTo(0, 300); document.getElementById('search').value = 'seed'; window.here = 1"
    )
    for seed in range(12, 14):
        make_run(tmp_path / "runs" / f"s{seed:02d}", seed)
    write(None)
    browser.until("window.here === undefined && document.readyState === 'complete'")
    browser.until("document.querySelectorAll('#panels .main-svg').length > 0")
    browser.settled()
    assert len(browser.texts("#runs-table tbody tr")) == 14
    assert list(browser.drawn("test_acc")) == ["seed 1"]
    assert browser.js("scrollY") == 300
    assert browser.js("document.getElementById('search').value") == "seed"
    browser.browser.execute_script("window.here = 1")
    time.sleep(3)
    assert browser.js("window.here") == 1
    assert browser.complaints() == []


@pytest.mark.slow
def test_hundreds_of_curves_are_drawn_each_with_its_values(browser, tmp_path):
    for number in range(200):
        make_run(tmp_path / "runs" / f"r{number:03d}", number % 2, **{"data.noise_rate": number // 2 / 100})
    report([str(tmp_path / "runs"), "--out", str(tmp_path / "report.html")])
    browser.open(tmp_path / "report.html", "#mode=runs&runs=all")
    assert len(browser.texts("#runs-table tbody tr")) == 200
    values = browser.js(
        "document.getElementById('plot-distance').data.filter((one) => 'meta' in one).flatMap((one) => one.y)"
    )
    held = [row["distance"] for run in (tmp_path / "runs").iterdir() for row in read_curve(run / "curve.csv")]
    assert sorted(value for value in values if value is not None) == sorted(held)
    browser.click("#list details summary input")
    values = browser.js(
        "document.getElementById('plot-distance').data.filter((one) => 'meta' in one).flatMap((one) => one.y)"
    )
    assert sum(value is not None for value in values) == 198 * 20
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_is_no_wider_than_the_screen(browser, sweep, width):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        browser.open(sweep.parent / "report.html")
        assert browser.js("document.documentElement.scrollWidth") <= width
        assert browser.js("document.getElementById('plot-test_acc').getBoundingClientRect().right") <= width
        browser.click("#runs-table tbody .link")
        assert browser.js("document.getElementById('detail').getBoundingClientRect().left") >= 0
    finally:
        browser.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
