"""The small tables that are kept of a run: what `load_runs`, `report` and `analyze` read, without weights."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from results.curves import KeptRun
from sdd.checksums import FILE as CHECKSUMS
from sdd.checksums import checksum, text_of
from sdd.errors import UserError
from sdd.files import write_atomically
from sdd.interpolation.redense import interpolate_redense
from sdd.runs.folder import RunFolder

_TABLES = ("settings.json", "data.json", "environment.json", "columns.json", "curve.csv", "summary.json")
_MORE = {
    "base": ("epochs.csv", "loss_curves.csv", "spectrum.csv"),
    "redense": ("loss_curves.csv", "interpolation.csv"),
    "full": ("loss_curves.csv",),
}
"""Further tables of some curves."""

SHOWN_LEVELS = (0, 15, 28, 34)
"""Levels of digits whose further tables are kept: dense, at the trough, near the peak, and the last."""
_POINTS = 21


def check_finished(run: KeptRun) -> None:
    """Refuse a run that is not finished.

    Raises:
        UserError: It is not.
    """
    if run.planned.state() != "finished":
        raise UserError(f"{run.curve.task}/{run.name}: {run.planned.path} is not finished; train it with --train")


def keep(run: KeptRun, folder: Path) -> None:
    """Copy a finished run's small tables into a folder of its own in `folder`.

    Of a re-dense run the way is kept too that leads to it from the run that it was trained from.

    Raises:
        UserError: The run is not finished, or a table of it is missing.
    """
    check_finished(run)
    source = RunFolder(run.planned.path)
    target = folder / run.curve.task
    if run.curve.name == "redense":
        interpolate_redense(source.path, SHOWN_LEVELS, points=_POINTS, show="none")
    _copy(source, target / run.name, _MORE.get(run.curve.name, ()))


def _copy(source: RunFolder, target: Path, more: Sequence[str]) -> None:
    """Copy a run's tables, with checksums, and of some more the rows of the levels shown."""
    target.mkdir(parents=True, exist_ok=True)
    sums = {}
    for name in (*_TABLES, *more):
        path = source.path / name
        if not path.is_file():
            raise UserError(f"there is no {path}")
        text = path.read_text(encoding="utf-8")
        write_atomically(target / name, _of_levels(text, SHOWN_LEVELS) if name in more else text)
        sums[name] = [checksum((target / name).read_bytes())]
    write_atomically(target / CHECKSUMS, text_of(sums))


def _of_levels(text: str, levels: Sequence[int]) -> str:
    """Return a table without the rows of other levels."""
    rows = list(csv.reader(io.StringIO(text)))
    at, kept = rows[0].index("level"), io.StringIO()
    csv.writer(kept, lineterminator="\n").writerows([rows[0], *(row for row in rows[1:] if int(row[at]) in levels)])
    return kept.getvalue()
