"""`python -m sdd configs`: what comes with sdd, listed, or one of it written out to be changed."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten

from sdd.console import OneLineParser, say
from sdd.shipped import CONFIGS, SWEEPS, shipped, text_of

_SENTENCE_END = re.compile(r"(?<! al)\. ")
_WIDTH = 100


def configs(arguments: Sequence[str]) -> int:
    """List, or print one; see `--help`.

    Args:
        arguments: The command line after `configs`.

    Raises:
        UserError: There is none of that name.
    """
    parser = OneLineParser(
        prog="python -m sdd configs",
        description="Lists the configurations (`fit --config NAME`) and sweeps (`sweep NAME`) that come with sdd. They "
        "are found by name from any folder; a file of that name in yours comes before them.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="print this one instead, or slurm.sh: ... > mine.yaml")
    chosen = parser.parse_args(arguments)
    if chosen.name is not None:
        sys.stdout.write(text_of(chosen.name))
        return 0
    for kind, command in ((CONFIGS, "fit --config NAME"), (SWEEPS, "sweep NAME")):
        say(f"{kind} (python -m sdd {command})")
        there_are = shipped(kind)
        width = max(map(len, there_are))
        for name, path in there_are.items():
            say(f"  {name:<{width}}  {_about(path)}")
    return 0


def _about(path: Path) -> str:
    """Return the first sentence of the comment with which a file begins."""
    with path.open(encoding="utf-8") as file:
        lines = []
        for line in file:
            if not line.startswith("#"):
                break
            lines.append(line.lstrip("#").strip())
    return shorten(_SENTENCE_END.split(" ".join(lines))[0].rstrip("."), _WIDTH, placeholder=" …")
