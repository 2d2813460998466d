"""`python -m sdd status`: how far runs have come, whoever trains them: this shell, a sweep, an agent, Slurm or Ray."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sdd.console import OneLineParser, say
from sdd.errors import UserError
from sdd.messages import counted
from sdd.places import path_argument
from sdd.runs.finding import runs_in
from sdd.status.look import Look, look_at

_CLEAR = "\033[H\033[J"
_ORDER = ("at work", "stopped", "damaged", "finished")


def status(arguments: Sequence[str]) -> int:
    """Show the runs in some folders; see `--help`.

    Args:
        arguments: The command line after `status`.

    Returns:
        0.

    Raises:
        UserError: There are no runs there.
    """
    parser = OneLineParser(
        prog="python -m sdd status",
        description="Shows how far runs have come: finished with what verdict, at work since when they were last heard "
        "of, stopped (the command that started them goes on), or damaged. It only reads, so that it can be given "
        "anywhere that sees the folders.",
    )
    parser.add_argument("runs", nargs="+", type=path_argument, metavar="DIR", help="a run, or a folder that holds runs")
    parser.add_argument(
        "--watch",
        nargs="?",
        type=float,
        const=5.0,
        metavar="SECONDS",
        help="show it again every so many seconds (default: 5), until no run is at work",
    )
    chosen = parser.parse_args(arguments)
    if chosen.watch is not None and not 0.1 <= chosen.watch <= 1e6:
        raise UserError(f"--watch is {chosen.watch}; it must be from 0.1 to 1,000,000 seconds")
    try:
        while True:
            looks = [look_at(folder) for folder in runs_in(chosen.runs)]
            clear = _CLEAR if chosen.watch is not None and sys.stdout.isatty() else ""
            say(clear + "\n".join(_lines(looks)))
            if chosen.watch is None or not any(look.word == "at work" for look in looks):
                return 0
            time.sleep(chosen.watch)
    except KeyboardInterrupt:  # this is how a watch ends
        return 0


def _lines(looks: Sequence[Look]) -> list[str]:
    """Return the table, and the sum below it."""
    cells = [("run", "state", "levels", "last heard of", "left", ""), *map(_cells, looks)]
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    table = [
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  "
        + "  ".join(f"{row[column]:>{widths[column]}}" for column in (2, 3, 4))
        + f"  {row[5]}".rstrip()
        for row in cells
    ]
    counts = Counter[str](look.word for look in looks)
    done, known = sum(look.done for look in looks), [look.levels for look in looks]
    of = "" if None in known else f" of {sum(filter(None, known)):,}"
    states = ", ".join(f"{counts[word]} {word}" for word in _ORDER if word in counts)
    return [*table, f"{counted(len(looks), 'run')}: {states}; {done:,}{of} levels"]


def _cells(look: Look) -> tuple[str, ...]:
    heard = "" if look.word == "finished" else f"{_time(look.silence)} ago"
    left = "" if look.word != "at work" or look.left is None else _time(look.left)
    levels = f"{look.done}/{'?' if look.levels is None else look.levels}"
    return str(look.folder.path), look.word, levels, heard, left, look.told


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
