"""The page on paper, and so as PDF: light, no wider than a page, all groups in one panel."""

import base64
import re

import pytest

from sdd.report.command import report
from tests.report.made_runs import full_run

pytest.importorskip("selenium", reason="selenium is not installed")
from tests.report.browser import chromium

A4 = (842, 595)  # points, landscape


@pytest.fixture
def browser(tmp_path):
    with chromium(tmp_path) as page:
        yield page


def test_the_page_prints_all_groups_in_one_panel_in_light_colours_and_comes_back(browser, tmp_path):
    for rate in range(6):
        for seed in range(2):
            full_run(tmp_path / "runs" / f"r{rate}-s{seed}", seed, levels=12, **{"data.noise_rate": rate / 10})
    report([str(tmp_path / "runs"), "--out", str(tmp_path / "report.html")])
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.open(tmp_path / "report.html", "#panels=test_acc")
    before = browser.drawn("test_acc")
    browser.browser.execute_script(
        "addEventListener('beforeprint', () => { const plot = document.getElementById('plot-test_acc');"
        "window.printed = { paper: plot.layout.paper_bgcolor, width: plot.layout.width,"
        "words: document.getElementById('panels-hint').textContent,"
        "lines: plot.data.filter((one) => 'meta' in one).length }; })"
    )
    printed = browser.browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF")
    sizes = {
        tuple(round(float(side)) for side in box.split()[2:]) for box in re.findall(rb"/MediaBox ?\[([^]]*)\]", pdf)
    }
    assert sizes == {A4}
    said = browser.js("window.printed")
    assert said["paper"] == "#FFFFFF"
    assert said["lines"] == 6
    assert "(n = 2 each; they differ only in the seed); bands: one standard deviation" in said["words"]
    assert "from dark (low) to light (high)" in said["words"]
    assert 900 < said["width"] < 1047, "a landscape A4 page less its margins, in CSS pixels"
    browser.settled()
    assert browser.drawn("test_acc") == before
    assert browser.js("document.getElementById('plot-test_acc').layout.paper_bgcolor") != "#FFFFFF"
    assert browser.complaints() == []
