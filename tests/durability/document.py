"""The tables of what was injected, and of what was lost, in Markdown."""

from collections.abc import Callable, Sequence

from tests.durability.injections import DAMAGE, SORTS, Row

_HEAD = """\
# What was injected, and what was lost

`python -m tests.durability` has {runs} kinds of run. It stops them at their file operations (SIGKILL; a full disk,
ENOSPC; a disk that fails, EIO; also within a write), sends SIGTERM and Ctrl-C at random moments, cuts the power after
operations that the file system may have kept in another order, and damages files of finished and of stopped runs, and
what they read. Then it gives the command again, and compares every table with the undisturbed run, bit for bit, and
levels tensor by tensor. `analyze`, `report` or `test` of what is damaged must say what they say otherwise, or name the
file in one line. Nothing that was finished may be lost, nothing may hang, no traceback be shown. `python -m tests.fuzz`
tries extreme values of settings.

```sh
{command}
```

wrote these tables: {count:,} injections on {workers} core{s} in {minutes:.0f} minutes, {each:.1f} seconds of CPU each.
"""


def document(rows: Sequence[Row], command: str, workers: int, seconds: float) -> str:
    """Return the page.

    Args:
        rows: All injections.
        command: Line that gives these rows.
        workers: How many processes shared the work.
        seconds: How long it took.
    """
    head = _HEAD.format(
        runs=len({row.experiment for row in rows}),
        command=command,
        count=len(rows),
        workers=workers,
        s="s" if workers > 1 else "",
        minutes=seconds / 60,
        each=sum(row.seconds for row in rows) / max(len(rows), 1),
    )
    return f"{head}\n{tables(rows)}"


def sections_after(page: str) -> str:
    """Return what follows these tables on a page, from its first section on, which other commands have measured."""
    start = page.find("\n## ")
    return "" if start < 0 else page[start:]


def tables(rows: Sequence[Row]) -> str:
    """Return how often what was injected, and how often something was lost: by run, by injection, by damaged file."""
    damages = [row for row in rows if row.sort == DAMAGE]
    return "\n".join(
        [
            _by_run(rows),
            _counted("injected", rows, lambda row: row.kind if row.kind == row.sort else f"{row.sort}: {row.kind}"),
            _counted("damaged file", damages, lambda row: row.file),
        ]
    )


def _by_run(rows: Sequence[Row]) -> str:
    lines = [
        f"| run | {' | '.join(f'{sort}s' for sort in SORTS)} | something lost |",
        "|---|" + "---|" * (len(SORTS) + 1),
    ]
    for name in [*dict.fromkeys(row.experiment for row in rows), "all"]:
        own = [row for row in rows if name in {row.experiment, "all"}]
        counts = [sum(row.sort == sort for row in own) for sort in SORTS]
        lines.append(f"| {name} | {' | '.join(map(str, counts))} | {_lost(own)} |")
    return "\n".join(lines) + "\n"


def _counted(title: str, rows: Sequence[Row], key: Callable[[Row], str]) -> str:
    lines = [f"| {title} | how often | something lost |", "|---|---|---|"]
    for name in dict.fromkeys(map(key, rows)):
        own = [row for row in rows if key(row) == name]
        lines.append(f"| {name} | {len(own)} | {_lost(own)} |")
    lines.append(f"| all | {len(rows)} | {_lost(rows)} |")
    return "\n".join(lines) + "\n"


def _lost(rows: Sequence[Row]) -> int:
    return sum(bool(row.wrong) for row in rows)
