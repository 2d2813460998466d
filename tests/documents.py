"""Code and commands as the pages for people have them, so that tests can run what readers copy."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from tests.small import PROJECT

README = PROJECT / "README.md"
CONTRIBUTING = PROJECT / "CONTRIBUTING.md"
TUTORIAL = PROJECT / "docs" / "tutorial.md"
PAGES = (README, PROJECT / "RESULTS.md", *sorted((PROJECT / "docs").glob("*.md")))

_BLOCK = re.compile(r'^```(\w+)(?: title="([^"\n]*)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        section: The heading above it.
        language: As its first line says.
        title: The file that it is, where its first line says so.
        text: The code.
        line: Number of its first line in the page.
    """

    section: str
    language: str
    title: str
    text: str
    line: int


def blocks(page: Path, *languages: str) -> list[Block]:
    """Return a page's blocks of code in these languages, from top to bottom."""
    content = page.read_text()
    found = []
    for match in _BLOCK.finditer(content):
        language, title, text = match.groups()
        if language in languages:
            before = content[: match.start()]
            headings = re.findall(r"^#+ (.*)$", _BLOCK.sub("", before), re.MULTILINE)
            found.append(Block(headings[-1], language, title or "", text, before.count("\n") + 2))
    return found


def spans(page: Path) -> list[str]:
    """Return what a page has between single backticks outside its blocks, each on one line."""
    return [" ".join(span.split()) for span in _SPAN.findall(_BLOCK.sub("", page.read_text()))]


def commands(script: str) -> list[list[str]]:
    """Return the commands of a shell script as lists of words, those inside of loops once."""
    lines = script.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [command for command in words if command and command[0] not in {"for", "do", "done"}]
