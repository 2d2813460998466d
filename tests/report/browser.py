"""Chromium without a window, for tests that use the page as a reader does."""

import csv
import io
import json
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium(folder: Path, *, width: int = 1400, height: int = 1000):
    """Yield a browser that keeps its profile and its downloads in a folder; skip where there is none."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*_FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        downloads = folder / "downloads"
        downloads.mkdir()
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
        browser.get("about:blank")
        for log in ("browser", "performance"):
            browser.get_log(log)  # what the browser's own first page did
        yield Page(browser, downloads)
    finally:
        browser.quit()


class Page:
    """A report in a browser."""

    def __init__(self, browser, downloads: Path) -> None:
        self.browser, self.downloads = browser, downloads

    def open(self, file: Path, address: str = "") -> None:
        """Open a report as from the disk, and wait until its panels are drawn."""
        self.browser.get("about:blank")
        self.browser.get(f"{file.resolve().as_uri()}{address}")
        self.until("document.querySelectorAll('main .panel:not([hidden]) .main-svg').length > 0")
        self.settled()

    def js(self, script: str, *arguments):
        return self.browser.execute_script(f"return {script}", *arguments)

    def until(self, script: str, seconds: float = 30):
        for _ in range(int(seconds * 20)):
            if found := self.js(script):
                return found
            time.sleep(0.05)
        raise AssertionError(f"never true: {script}")

    def settled(self) -> None:
        """Wait until every panel shows what is picked; those off the screen are drawn in idle time."""
        self.until("document.getElementById('panels').getAttribute('aria-busy') === 'false'")

    def find(self, selector: str):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        for tries_left in range(9, -1, -1):  # a page under watch may read itself anew between two of these steps
            try:
                element = self.find(selector)
                self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
                element.click()
                break
            except StaleElementReferenceException:
                if not tries_left:
                    raise
        self.settled()

    def texts(self, selector: str) -> list[str]:
        return self.js(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.textContent)")

    def traces(self, column: str) -> list[dict]:
        """Return the lines that a panel shows; many curves share a few of them, with gaps between."""
        return self.js(
            f"document.getElementById('plot-{column}').data.filter((one) => 'meta' in one)"
            ".map(({name, x, y, line}) => ({name, x, y, colour: line.color}))"
        )

    def drawn(self, column: str) -> dict[str, dict]:
        """Return the lines of up to two dozen curves by name."""
        return {trace["name"]: trace for trace in self.traces(column)}

    def downloaded(self, selector: str) -> Path:
        """Click, and return the file that comes of it."""
        before = set(self.downloads.iterdir())
        self.click(selector)
        for _ in range(400):
            new = [path for path in self.downloads.iterdir() if path not in before and path.suffix != ".crdownload"]
            if new and not any(path.name.startswith(".") for path in new):
                return new[0]
            time.sleep(0.05)
        raise AssertionError(f"{selector} downloaded nothing")

    def csv(self, selector: str) -> list[dict[str, str]]:
        text = self.downloaded(selector).read_text(encoding="utf-8")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def complaints(self) -> list[str]:
        """Return what the console says, and every request that leaves the disk."""
        said = [entry["message"] for entry in self.browser.get_log("browser")]
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                address = message["params"]["request"]["url"]
                if not address.startswith(("file:", "data:", "blob:", "about:")):
                    said.append(f"request: {address}")
        return said
