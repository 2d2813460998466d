"""How long the page of 200 runs takes to show a selection: `python -m tests.report.response_times`.

Each time is from the click until every panel on the screen, and every one below it, shows the new selection.
"""

import sys
import tempfile
import time
from pathlib import Path

from sdd.report.command import report
from tests.report.browser import chromium
from tests.report.made_runs import full_run

_CLICKS = {
    "39 of 40 groups": "#list .row:nth-child(9) input",
    "all 40 groups": "#pick-all",
    "coloured by a result": ("#colour", "gain"),
    "grouped by one setting": "#by-list [value=some]",
    "all settings again": "#by-list [value=all]",
    "scatter": "#view [value=scatter]",
    "another horizontal axis": ("#scatter-x", "depth"),
    "parallel axes": "#view [value=parallel]",
    "a range of one axis": ("[id='brush-test_acc@peak-low']", "0.5"),
    "ranges cleared": "#brush-clear",
    "curves again": "#view [value=curves]",
    "single runs": "#mode [value=runs]",
    "all 200 runs": "#pick-all",
    "195 of 200 runs": "#list details summary input",
    "one of 195 runs highlighted": "#legend .chip:nth-child(20)",
    "a figure's values as a table": "#panels .panel button[aria-label$='as Table']",
    "linear axis": "#scale [value=linear]",
    "table sorted": "#runs-table th[data-key=gain] button",
    "details opened": "#runs-table tbody .link",
}
_TIMED = """
const [selector, value, done] = arguments;
const one = document.querySelector(selector);
const start = performance.now();
if (value === null) one.click();
else {
  one.value = value;
  one.dispatchEvent(new Event(one.type === "range" ? "input" : "change", { bubbles: true }));
}
const wait = () => (document.getElementById("panels").getAttribute("aria-busy") === "true"
  ? setTimeout(wait, 5) : requestAnimationFrame(() => setTimeout(() => done(performance.now() - start), 0)));
wait();
"""


def main() -> None:
    """Make 200 runs of 35 levels, report them, and time clicks on the page."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number in range(200):
            full_run(folder / "runs" / f"r{number:03d}", number % 5, **{"data.noise_rate": number // 5 / 100})
        start = time.perf_counter()
        report([str(folder / "runs"), "--out", str(folder / "report.html")])
        sys.stdout.write(f"{'written':<30}{time.perf_counter() - start:7.2f} s\n")
        with chromium(folder) as page:
            start = time.perf_counter()
            page.open(folder / "report.html")
            sys.stdout.write(f"{'opened':<30}{time.perf_counter() - start:7.2f} s\n")
            for what, click in _CLICKS.items():
                selector, value = click if isinstance(click, tuple) else (click, None)
                taken = page.browser.execute_async_script(_TIMED, selector, value)
                sys.stdout.write(f"{what:<30}{taken / 1000:7.2f} s\n")


if __name__ == "__main__":
    main()
