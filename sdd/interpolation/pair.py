"""Between any two trained levels of one network: linear mode connectivity (Frankle et al. 2020)."""

from dataclasses import dataclass
from pathlib import Path

from sdd.analysis.paths import Row, draw_paths
from sdd.cli.rebuild import rebuilt
from sdd.console import Progress, Show, say
from sdd.errors import UserError
from sdd.interpolation.ends import End, end_of
from sdd.interpolation.measuring import Asked, rows_between, states_of
from sdd.interpolation.table import PATH, PathTable
from sdd.measures.path import Barrier, Statistics, error_barrier
from sdd.places import resolved
from sdd.runs.data_record import DataRecord
from sdd.runs.settings import same

BARRIERS = {
    "train_error": "training error",
    "test_error": "test error",
    "train_loss": "training loss",
    "test_loss": "test loss",
}
"""What barriers are given of, with its words."""

_SAME = ("model.net", "data.image_size", "data.eval_resize")


@dataclass(frozen=True)
class Between:
    """A path between two levels.

    Attributes:
        rows: Of `interpolation.csv`, a row for each α.
        barriers: By the names of `BARRIERS`; of errors as fractions.
        files: Table and picture.
    """

    rows: list[Row]
    barriers: dict[str, Barrier]
    files: tuple[Path, ...]


def interpolate_levels(
    a: str | End,
    b: str | End,
    *,
    points: int = 101,
    examples: int | None = None,
    statistics: Statistics = "interpolated",
    out: str | Path | None = None,
    accelerator: str | None = None,
    show: Show = "auto",
) -> Between:
    """Measure loss and accuracy from one level to another, of the same network and data, and the error barrier.

    They are evaluated as the first level's run does it, on its noisy labels.

    Args:
        a: At α = 0: RUN:LEVEL, or a level's file.
        b: At α = 1.
        points: Values of α in [0, 1].
        examples: Of each part of the data, the same ones as those of `dynamics.examples`; None: all.
        statistics: Of normalisation layers: `interpolated`, or `recomputed` at each α from the training examples.
        out: Folder of table and picture; None: one in `interpolation/` that is named for the two levels.
        accelerator: Lightning's name of the device; None: as in the first run.
        show: How progress is shown.

    Raises:
        UserError: There are no such levels, or they are not of one network and data.
    """
    asked, ends = Asked(points, examples, statistics), (_end(a), _end(b))
    for end in ends:
        end.check()
    _check_same(*ends)
    name = "--".join(f"{resolved(end.folder.path).name}-{end.level:03d}" for end in ends)
    table = PathTable(Path("interpolation") / name if out is None else Path(out), asked.content() | {"between": name})
    with table.owned():
        digest = "-".join(end.digest() for end in ends)
        if not table.holds(PATH, digest):
            bar = Progress(points, 0, "point", smoothing=0.05, show=show)
            rows = list[Row]()
            try:
                with rebuilt(ends[0].folder, ends[0].level, accelerator) as parts:
                    for row in rows_between(parts, *ends, asked):
                        rows.append(row)
                        bar.move_to(len(rows), "")
            finally:
                bar.close()
            table.add(PATH, digest, rows)
            table.picture.unlink(missing_ok=True)  # it is of the path before
        rows = table.rows[PATH]
        if not table.picture.is_file():
            draw_paths(rows, table.picture, ends=(_short(ends[0]), _short(ends[1])))
    return Between(rows, barriers_of(rows), (table.file, table.picture))


def barriers_of(rows: list[Row]) -> dict[str, Barrier]:
    """Return the barriers on a path, by the names of `BARRIERS`."""
    alphas = [row["alpha"] for row in rows]
    values = {name: [row[name] for row in rows] for name in ("train_loss", "test_loss")}
    values |= {f"{part}_error": [1 - row[f"{part}_acc"] for row in rows] for part in ("train", "test")}
    return {name: error_barrier(alphas, values[name]) for name in BARRIERS}


def barrier_lines(barriers: dict[str, Barrier]) -> list[str]:
    """Return barriers as a table of words."""
    lines = [f"{'':16}{'barrier':>12}{'above line':>12}{'highest at α':>14}"]
    for name, words in BARRIERS.items():
        factor, unit = (100, " points") if name.endswith("_error") else (1, "")
        found = barriers[name]
        height, above = (f"{factor * value:.2f}" for value in (found.height, found.above_line))
        lines.append(f"{words:16}{height:>12}{above:>12}{found.alpha:>14.2f}{unit}")
    return lines


def _end(named: str | End) -> End:
    if isinstance(named, End):
        return named
    end = end_of(named)
    if end is None:
        raise UserError(
            f"{named} is no level: give RUN:LEVEL, such as runs/x:12, or a file runs/x/levels/level-012.ckpt"
        )
    return end


def _short(end: End) -> str:
    return f"{resolved(end.folder.path).name[:24]} level {end.level}"


def _check_same(a: End, b: End) -> None:
    """Find out whether two levels are of one network and of the same data; say where only labels or losses differ."""
    if resolved(a.folder.path) == resolved(b.folder.path):
        return
    states_of(a, b)
    one, other = ({} if held is None else held.values for held in (a.folder.settings(), b.folder.settings()))
    for name in sorted(one.keys() & other.keys()):
        decides = any(name == part or name.startswith(f"{part}.") for part in _SAME)
        if decides and not same(one[name], other[name]):
            raise UserError(
                f"{a.name} and {b.name} are of different networks or see images differently: {name} is "
                f"{one.get(name)!r} and {other.get(name)!r}"
            )
    then, now = a.folder.data_record(), b.folder.data_record()
    if then is None or now is None:
        lacking = a if then is None else b
        say(f"{lacking.folder.path} has no data.json: it is not known whether both runs have the same data", error=True)
    else:
        _check_data(a, b, then, now)
    if any(not same(one.get(name), other.get(name)) for name in ("model.loss", "model.loss_args")):
        say(f"the runs were trained with different losses; losses are those of {a.folder.path}", error=True)


def _check_data(a: End, b: End, one: DataRecord, other: DataRecord) -> None:
    if (list(one.mean), list(one.std)) != (list(other.mean), list(other.std)):
        raise UserError(f"{a.name} and {b.name} have different data: images are normalised otherwise")
    for name, words in (("train", "training"), ("test", "test")):
        left, right = one.parts[name], other.parts[name]
        if (left.images, left.true_labels) != (right.images, right.true_labels):
            raise UserError(
                f"{a.name} and {b.name} have different data: other {words} examples, or another order of them"
            )
    if one.parts["train"].labels != other.parts["train"].labels:
        say(
            f"the runs have different noisy labels; training loss and accuracy are on those of {a.folder.path}",
            error=True,
        )
