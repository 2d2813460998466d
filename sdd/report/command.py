"""`python -m sdd report RUNS… --out report.html`: one page that compares runs."""

import argparse
import math
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from sdd.console import OneLineParser, say
from sdd.errors import UserError
from sdd.files import check_output, write_atomically
from sdd.messages import counted
from sdd.places import path_argument, resolved
from sdd.report.content import report_content
from sdd.report.folders import Folder, counts, read_folders, signature
from sdd.report.page import page_html
from sdd.report.waiting import awaited

_EVERY = 30.0
_INTERRUPTED = 130


def report(arguments: Sequence[str]) -> int:
    """Write the page; see `--help`.

    Args:
        arguments: The command line after `report`.

    Returns:
        0; 1 where some folder is damaged or was given but holds no run; 130 where `--watch` was ended, by Ctrl-C or
        SIGTERM.

    Raises:
        UserError: No run has finished a level, unless the page is kept up to date; then only where a folder is not
            there that no sweep makes by default.
    """
    parser = OneLineParser(
        prog="python -m sdd report",
        description="Writes one HTML file, which needs no network, to compare runs: accuracies, memorisation, distance "
        "and flatness against sparsity, mean and spread over seeds, phases, a table of runs with their settings, and "
        "each run's loss curves. Folders that are unfinished, damaged or no run are shown as such.",
    )
    parser.add_argument(
        "runs", nargs="+", type=path_argument, metavar="RUNS", help="folder of a run, or one that holds runs"
    )
    parser.add_argument(
        "--out", type=path_argument, default=Path("report.html"), help="file to write (default: report.html)"
    )
    parser.add_argument(
        "--watch",
        nargs="?",
        type=_seconds,
        const=_EVERY,
        metavar="SECONDS",
        help="go on until Ctrl-C: look for changes every SECONDS (default: 30), and let the page read itself anew",
    )
    chosen = parser.parse_args(arguments)
    if chosen.out.is_dir():
        raise UserError(f"--out {chosen.out} is a folder; name a file, such as {chosen.out / 'report.html'}")
    if chosen.out.suffix not in {".html", ".htm"}:
        raise UserError(f"--out is {chosen.out}; a page's name must end in .html")
    chosen.out = check_output("--out", chosen.out)
    if chosen.watch is not None:
        return _watch(chosen.runs, chosen.out, chosen.watch)
    folders = read_folders(chosen.runs)
    if len(folders) == 1 and folders[0].run is None:
        raise UserError(f"there is no run to report: {folders[0].path} {folders[0].reason}")
    for folder in folders:
        if folder.failed:
            say(f"sdd: {folder.path} {folder.reason}", error=True)
    if all(folder.run is None for folder in folders):
        raise UserError(
            f"there is no run to report in {len(folders)} folders ({counts(folders)}); give folders of runs, such as "
            "runs/digits_noise_rates"
        )
    _write(chosen.runs, folders, chosen.out, None)
    return 1 if any(folder.failed for folder in folders) else 0


def _watch(paths: Sequence[Path], out: Path, seconds: float) -> int:
    """Write the page whenever a run has changed, until Ctrl-C; then once more, so that it no longer waits.

    Raises:
        UserError: A folder is not there, and no sweep makes it by default.
    """
    waits = "".join(f"; {path} is not there yet, and is waited for" for path in awaited(paths))
    say(f"watching every {seconds:g} s; Ctrl-C ends it{waits}")
    before: object = None
    terminated = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            now = signature(paths)
            if now != before:
                _write(paths, read_folders(paths), out, seconds)
                before = now
            time.sleep(seconds)
    except KeyboardInterrupt:
        say("")
        _write(paths, read_folders(paths), out, None)
        return _INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, terminated)


def _write(paths: Sequence[Path], folders: Sequence[Folder], out: Path, watch: float | None) -> None:
    made = time.strftime("%Y-%m-%d %H:%M:%S")
    content = report_content(folders, title=_title(paths), made=made, out=out, watch=watch)
    page = page_html(content)
    write_atomically(out, page)
    at = f"{made}  " if watch is not None else ""
    curves = sum(bool(run["level"]) for run in content["runs"])
    drawn = f"{counted(curves, 'curve')} in {counted(len(content['groups']), 'group')}"
    say(f"{at}{out}: {drawn}; folders: {counts(folders)}; {len(page.encode()) / 1e6:.1f} MB")


def _title(paths: Sequence[Path]) -> str:
    names = [resolved(path).name or str(path) for path in paths]
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more"


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of seconds above 0; give RUNS before --watch, as in: report RUNS --watch 30"
        )
    return seconds
