"""The page as text: whole, closed, and safe whatever names stand in it."""

import json
from html.parser import HTMLParser

import pytest

from sdd.report.content import report_content
from sdd.report.folders import read_folders
from sdd.report.page import json_inside_html, page_html
from tests.analysis.test_comparison import make_run

EVIL = "</script><script>alert(1)</script><!-- <b>%{y} & \u2028 'x' \"y\""


class Elements(HTMLParser):
    """Collects elements, and the content of scripts."""

    def __init__(self):
        super().__init__()
        self.found, self.scripts, self.titles = [], [], []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, text):
        if self.lasttag == "script" and self.scripts:
            self.scripts[-1] += text
        if self.lasttag == "title":
            self.titles.append(text)


def parsed(page):
    elements = Elements()
    elements.feed(page)
    return elements


@pytest.fixture
def page(tmp_path):
    make_run(tmp_path / "<img src=x>", 0, **{"model.name": EVIL})
    content = report_content(read_folders([tmp_path]), title=EVIL, made="now", out=tmp_path / "r.html", watch=None)
    return page_html(content)


def test_there_are_three_scripts_and_the_data_come_back_whole(page):
    elements = parsed(page)
    assert [tag for tag, _ in elements.found].count("script") == 3
    data = json.loads(elements.scripts[1])
    assert data["title"] == EVIL
    assert data["shared"]["model.name"] == EVIL
    assert data["runs"][0]["name"] == "<img src=x>"
    assert "<" not in elements.scripts[1]


def test_the_title_is_text(page):
    assert "".join(parsed(page).titles).startswith(EVIL.partition("\u2028")[0])


def test_nothing_is_asked_of_a_network(page):
    for tag, attributes in parsed(page).found:
        assert not attributes.get("src"), (tag, attributes)
        assert tag != "link" or attributes["href"].startswith("data:")
    policy = next(value["content"] for tag, value in parsed(page).found if "http-equiv" in value)
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_no_marker_of_the_template_is_left(page):
    elements = parsed(page)
    assert "{{" not in page.partition("<style>")[0]
    assert not any("{{" in script for script in (elements.scripts[1], elements.scripts[2]))


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        json_inside_html({"value": float("nan")})
