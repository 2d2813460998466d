"""Every control by mouse and by keyboard, wide and narrow, light and dark; what plots say to who cannot see them."""

import re

import pytest

from sdd.analysis.curve import read_curve
from sdd.files import table_text
from sdd.report.command import report
from tests.report.made_runs import full_run

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver import Keys

from tests.report.browser import chromium

LEVELS = 8
ALIKE = 2  # so many of the controls of one list or table row are used; the others do the same

VIEWS = ("curves", "scatter", "parallel")

FIND = """
const STOPS = "a[href], button, input, select, summary, [tabindex='0']";
const PLACES = "tr, #list, .menu > div, .levels, fieldset, #legend, thead, .panel .head";
const name = (one) => (one.getAttribute("aria-label") || one.labels?.[0]?.textContent || one.textContent
  || document.getElementById(one.getAttribute("aria-labelledby"))?.textContent || "").trim();
const controls = () => [...document.querySelectorAll(STOPS)].filter((one) => one.checkVisibility() && !one.disabled);
const place = (one) => one.closest(PLACES)?.parentElement?.id || one.parentElement.id;
const kind = (one) => one.tagName.toLowerCase() + (one.type ? ` ${one.type}` : "");
const key = (one) => [one.closest("section, aside")?.id, kind(one), one.id || `${place(one)} ${name(one)}`,
  one.type === "radio" ? one.value : ""].join("|");
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Winning tickets and fresh networks under their masks, two seeds each, with all that a run may have."""
    folder = tmp_path_factory.mktemp("reported") / "sweep"
    for seed in range(2):
        full_run(folder / f"lottery-{seed}", seed, levels=LEVELS, **{"pruning.retrain": "lottery"})
        masks = {"pruning.retrain": "scratch", "pruning.masks_from": str(folder / f"lottery-{seed}")}
        run = full_run(folder / f"scratch-{seed}", seed, levels=LEVELS, **masks)
        rows = [
            {"level": level, "epoch": epoch, "test_acc": 0.5 + 0.01 * epoch, "train_loss": 1.0}
            for level in range(LEVELS)
            for epoch in range(5)
        ]
        (run / "epochs.csv").write_text(table_text(rows))
    assert report([str(folder), "--out", str(folder.parent / "report.html")]) == 0
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as page:
        yield page


def opener(browser, made):
    """Return a function that opens the page at a width, in light or dark."""

    def open_at(width, scheme, address=""):
        mobile = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", mobile)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.open(made.parent / "report.html", address)
        return browser

    return open_at


@pytest.fixture
def sized(browser, made):
    return opener(browser, made)


@pytest.fixture
def sized_alone(made, tmp_path):
    """As `sized`, in a browser that is thrown away: Chromium refuses more files after some dozens."""
    with chromium(tmp_path) as page:
        yield opener(page, made)


def run(page, script, *arguments):
    return page.browser.execute_script(f"{FIND}; return {script}", *arguments)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (420, "dark")])
@pytest.mark.parametrize("view", ["curves", "scatter", "parallel"])
def test_tab_alone_reaches_every_control_in_the_order_of_the_page_and_shows_where_it_is(sized, width, scheme, view):
    page = sized(width, scheme, f"#view={view}")
    assert run(page, "controls().filter((one) => !name(one)).map((one) => one.outerHTML)") == []
    # Of radio buttons of one name only the chosen one is a stop.
    wanted = run(
        page,
        "controls().filter((one) => one.type !== 'radio' || one.checked)"
        ".map((one, index) => (one.dataset.place = index))",
    )
    page.browser.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    reached, hidden = [], []
    for _ in range(len(wanted) + 2):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
        place, shown, text = page.js(
            "((one) => { const seen = (it) => it && getComputedStyle(it).outlineStyle !== 'none';"
            "return [one.dataset.place ?? null, seen(one) || seen(one.nextElementSibling), one.outerHTML.slice(0, 99)];"
            "})(document.activeElement)"
        )
        if place is not None and int(place) not in reached:
            reached.append(int(place))
            hidden += [] if shown else [text]
    assert hidden == []
    assert reached == wanted
    assert page.js("document.documentElement.scrollWidth") <= width
    assert page.complaints() == []


def use(page, element, kind, by_mouse):
    """Use a control, and check that it has taken up what was done to it."""
    held = "((one) => [one.checked, one.value, one.parentElement?.open])(arguments[0])"
    before = page.js(held, element)
    page.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    if kind == "input number":
        element.send_keys("9" if by_mouse else Keys.ARROW_UP, Keys.TAB)
    elif kind == "input search":
        element.send_keys("0")
    elif kind == "select select-one":
        element.send_keys(Keys.ARROW_DOWN)
    elif kind == "input range":
        element.send_keys(Keys.ARROW_UP if element.get_attribute("data-end") == "low" else Keys.ARROW_DOWN)
    elif by_mouse:
        (element.find_element("xpath", "..") if kind == "input radio" else element).click()
    else:
        element.send_keys(Keys.SPACE if kind.startswith("input") else Keys.ARROW_RIGHT if kind == "div" else Keys.ENTER)
    page.settled()
    if kind in ("input checkbox", "summary", "select select-one", "input range") and page.js(
        "arguments[0].isConnected", element
    ):
        assert page.js(held, element) != before, element.get_attribute("outerHTML")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "scheme", "by_mouse"),
    [(1400, "light", True), (1400, "dark", False), (420, "dark", True)],
)
def test_every_control_works_by_mouse_and_by_keyboard_without_a_word_on_the_console(
    sized_alone, width, scheme, by_mouse
):
    used, times, kinds = set(), {}, set()

    def wanted(key, place, kind, by_mouse):
        """Not links, which leave the page, nor what is for the keyboard alone, nor what folds all others away."""
        if key in used or (kind == "a" and (by_mouse or not key.endswith("|skip|"))):
            return False
        if key.startswith("side|summary") or key.endswith(tuple(f"|{view}" for view in VIEWS)):
            return False
        return not place or times.get(place, 0) < ALIKE or "by-list" in place

    for view in VIEWS:
        page = sized_alone(width, scheme, f"#view={view}")
        page.browser.execute_script(
            "window.print = () => { window.printed = true; }; document.getElementById('side').open = true"
        )
        for _ in range(400):
            here = run(page, "controls().map((one) => [key(one), place(one) && place(one) + kind(one), kind(one)])")
            new = [index for index, (key, place, kind) in enumerate(here) if wanted(key, place, kind, by_mouse)]
            covering = page.js("document.querySelectorAll('details.menu[open], #detail:not([hidden])').length")
            inside = run(page, "controls().map((one) => Boolean(one.closest('details.menu[open] > div, #detail')))")
            in_pane = [index for index in new if inside[index]]
            if covering and not in_pane:  # on a narrow screen these lie over all others
                page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
                left = page.js("document.querySelectorAll('details.menu[open], #detail:not([hidden])').length")
                assert left < covering
                continue
            if not new:
                break
            index = (in_pane or new)[0]
            key, place, kind = here[index]
            used.add(key)
            kinds.add(kind)
            times[place] = times.get(place, 0) + 1
            use(page, run(page, f"controls()[{index}]"), kind, by_mouse)
        else:
            raise AssertionError("there is no end of controls")
        for other in VIEWS:
            use(page, page.find(f"#view input[value={other}]"), "input radio", by_mouse)
            assert page.find(f"#view input[value={other}]").is_selected()
        assert page.complaints() == []
    assert page.js("document.documentElement.scrollWidth") <= width
    assert {"button button", "input checkbox", "input range", "input number", "input search"} < kinds
    assert {"print", "unzoom", "brush-pick", "brush-clear", "scatter-swap", "data-csv"} <= {
        key.split("|")[2] for key in used
    }
    assert len(used) > 100


def test_a_plot_says_in_words_what_it_shows_and_its_table_has_the_values(sized, made):
    page = sized(1400, "light", "#panels=test_acc")
    plot = page.find("#plot-test_acc")
    assert plot.get_attribute("role") == "img"
    said = plot.get_attribute("aria-label")
    files = [[row["test_acc"] for row in read_curve(made / f"lottery-{seed}" / "curve.csv")] for seed in range(2)]
    means = [sum(pair) / 2 for pair in zip(*files, strict=True)]
    told = re.search(
        r"lottery: first ([\d.]+) %, lowest ([\d.]+) % at .*?, highest ([\d.]+) % at .*?, last ([\d.]+) %", said
    )
    assert [float(text) for text in told.groups()] == pytest.approx(
        [100 * value for value in (means[0], min(means), max(means), means[-1])], abs=0.051
    )
    page.click("#panels .panel:not([hidden]) button[aria-label='Test accuracy as Table']")
    heads = page.texts("#detail thead th")
    cells = page.texts("#detail tbody tr > *")
    rows = [dict(zip(heads, cells[start:], strict=False)) for start in range(0, len(cells), len(heads))]
    shown = [float(row["mean"]) for row in rows if row["group"].startswith("pruning.retrain=lottery")]
    assert shown == pytest.approx(means, rel=1e-3)
    assert {row["n"] for row in rows} == {"2"}
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not page.find("#detail").is_displayed()
    assert page.js("document.activeElement.textContent") == "Table"
    tickets = page.find("#plot-tickets-1").get_attribute("aria-label")
    assert tickets.startswith("Winning tickets (")
    assert "2 pairs" in tickets
    assert page.complaints() == []


def test_a_table_that_is_cut_says_how_many_columns_there_are_more(sized):
    page = sized(420, "light")
    said = page.find("#runs-more").text
    count = int(said.split()[0])
    beyond = page.js(
        "((region) => [...region.querySelectorAll('thead th')].filter((one) =>"
        "one.getBoundingClientRect().right > region.getBoundingClientRect().right + 1).length)"
        "(document.getElementById('runs-table'))"
    )
    assert count == beyond > 5
    page.browser.execute_script("document.getElementById('runs-table').scrollLeft = 1e6")
    page.until("document.getElementById('runs-more').textContent === 'scrolled to the last column'")
    page.browser.execute_script(
        "document.getElementById('runs-table').closest('section').querySelector('.menu').open = true"
    )
    for box in page.all("#runs-columns input"):
        page.browser.execute_script("arguments[0].click()", box)
    assert page.find("#runs-more").text == ""


def test_what_was_measured_within_levels_is_in_the_pane_of_its_run(sized):
    page = sized(1400, "light")
    page.click("#runs-table tbody tr:nth-child(3) .link")
    said = page.find("#plot-epochs").get_attribute("aria-label")
    assert "from 50 at epoch 0 to 54 at epoch 4" in said
    rows = page.csv("#detail button[aria-label='Epochs as CSV']")
    assert len(rows) == LEVELS * 5
    assert {float(row["test_acc"]) for row in rows} == {0.5, 0.51, 0.52, 0.53, 0.54}
    assert page.complaints() == []
