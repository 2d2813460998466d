"""The HTML page: one text with its style, its scripts, the plotting library and the data in it."""

import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

_HERE = Path(__file__).parent

SCRIPTS = (
    "text.js",
    "selection.js",
    "quantities.js",
    "palette.js",
    "grouping.js",
    "remaining_axis.js",
    "curves.js",
    "captions.js",
    "figure.js",
    "tip.js",
    "panels.js",
    "legend.js",
    "scatter.js",
    "parallel.js",
    "tickets.js",
    "values.js",
    "downloads.js",
    "pick.js",
    "table.js",
    "run_table.js",
    "detail.js",
    "loss.js",
    "epochs.js",
    "print.js",
    "page.js",
)
"""Our scripts, in the order in which they are put together to one."""


def page_html(content: Mapping[str, Any]) -> str:
    """Return the page; it needs no other file and no network, and its security policy forbids requests.

    Args:
        content: What `report_content` returned.

    Raises:
        ValueError: The content holds NaN or infinity, which JSON does not have.
    """
    scripts = "\n".join(_source(name) for name in SCRIPTS)
    parts = {
        "{{title}}": html.escape(str(content["title"])),
        "{{css}}": _source("page.css"),
        "{{plotly}}": _inside_script(get_plotlyjs()),
        "{{data}}": json_inside_html(content),
        "{{js}}": _inside_script(f'(() => {{\n"use strict";\n{scripts}\n}})();'),
    }
    template = _source("page.html")
    pieces = []
    for marker, text in parts.items():
        before, found, template = template.partition(marker)
        if not found:
            raise AssertionError(f"page.html lacks {marker}")
        pieces += [before, text]
    return "".join([*pieces, template])


def json_inside_html(content: Any) -> str:
    """Return JSON that cannot end the element it stands in, whatever the names and settings in it are."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _inside_script(source: str) -> str:
    """Return a script that does not end its element early; in a string an escaped slash is a slash."""
    return source.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _source(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
