"""Pages of the site that are no files of docs/: RESULTS.md, CONTRIBUTING.md, and the API, a page a room of sdd/."""

import ast
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pygments.formatters import HtmlFormatter

PROJECT = Path(__file__).parent.parent
FRAME = ".rst-content div.highlight { border: 0; padding: 0 } .highlight .filename { font-family: monospace }"
"""One frame around a block of code, not two."""
TABLES = ".wy-table-responsive table td, .wy-table-responsive table th { white-space: normal }"
"""Cells of tables break their lines; the theme's do not, and hide what is right of the first column."""
WIDTH = ".wy-nav-content { max-width: 1050px }"


PAGES = {"RESULTS.md": "results.md", "CONTRIBUTING.md": "contributing.md"}
"""Pages of the project's folder, and what they are called on the site."""


def rooms() -> dict[str, list[str]]:
    """Return the modules of each room: a folder of `sdd/`, or `sdd` itself for those that lie in no folder."""
    found: dict[str, list[str]] = {"sdd": []}
    for path in sorted((PROJECT / "sdd").rglob("*.py")):
        *folders, name = path.relative_to(PROJECT).with_suffix("").parts
        if ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))):
            module = ".".join(folders if name == "__init__" else [*folders, name])
            found.setdefault(".".join(folders[:2]), []).append(module)
    return found


def page(room: str, modules: list[str]) -> str:
    """Return the Markdown of a room's page, which mkdocstrings fills from the docstrings."""
    lines = [f"# {room}"]
    for module in modules:
        heading = "false" if module == room else "true"
        lines += ["", f"::: {module}", "    options:", f"      show_root_heading: {heading}"]
    return "\n".join(lines) + "\n"


def from_docs(name: str) -> str:
    """Return a page of the project's folder with its links as seen from docs/."""
    return (PROJECT / name).read_text(encoding="utf-8").replace("](docs/", "](")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to pages of the project's folder, as its files have them, lead to those of the site."""
    for name, made in PAGES.items():
        markdown = markdown.replace(f"](../{name}", f"]({made}")
    return markdown


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and name them in the navigation after those of mkdocs.yml."""
    made = {
        **{made: from_docs(name) for name, made in PAGES.items()},
        "code.css": f"{FRAME}\n{TABLES}\n{WIDTH}\n{HtmlFormatter().get_style_defs('.highlight')}",
    }
    pages = {room: f"api/{room}.md" for room in rooms()}
    made |= {pages[room]: page(room, modules) for room, modules in rooms().items()}
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    reference = [{room: name} for room, name in pages.items()]
    config.nav = [*(config.nav or []), {"Contributing": "contributing.md"}, {"API": reference}]
    return files
