"""Between the levels of a re-dense run and those that it started from (He et al. 2022, figures 7 and 40 to 42)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sdd.analysis.paths import Row, draw_paths
from sdd.analysis.reading import read_run
from sdd.cli.parse import parse
from sdd.cli.prerequisites import masks_run
from sdd.cli.rebuild import rebuilt
from sdd.console import Progress, Show
from sdd.errors import UserError
from sdd.interpolation.ends import End
from sdd.interpolation.measuring import Asked, rows_between
from sdd.interpolation.table import PathTable
from sdd.measures.path import Statistics
from sdd.pruning.masks import sparsity
from sdd.pruning.retraining import RETRAININGS
from sdd.runs.folder import RunFolder
from sdd.runs.trained_levels import StoredLevels

Levels = Sequence[int] | Literal["all", "phases"]
"""Numbers of levels; `all`; or `phases`: the dense one, trough and peak of the sparse run where it has them, and the
last."""


def interpolate_redense(
    run: str | Path,
    levels: Levels = "all",
    *,
    sparse: str | Path | None = None,
    points: int = 101,
    examples: int | None = None,
    statistics: Statistics = "interpolated",
    out: str | Path | None = None,
    accelerator: str | None = None,
    show: Show = "auto",
) -> list[Row]:
    """Measure loss and accuracy from each level that a re-dense run started from to what it became.

    The rows go into `interpolation.csv` of a folder, level by level, with a picture; levels that are in it are not
    measured again. At α = 0 and 1 they are the two runs' rows of `curve.csv`, bit for bit on the CPU, with all examples
    and interpolated statistics.

    Args:
        run: Folder of a run whose retraining trains another run's levels on, such as `redense`.
        levels: Those wanted.
        sparse: Folder of the run whose levels they started from; None: as `pruning.masks_from` of the run says.
        points: Values of α in [0, 1].
        examples: Of each part of the data, the same ones as those of `dynamics.examples`; None: all.
        statistics: Of normalisation layers: `interpolated`, or `recomputed` at each α from the training examples.
        out: Folder of the table; None: the run's.
        accelerator: Lightning's name of the device; None: as in the run.
        show: How progress is shown.

    Returns:
        The rows of the levels wanted: `level`, `sparsity` of the sparse level, `alpha`, and the losses and accuracies
        of every part of the data under the names of `curve.csv`.

    Raises:
        UserError: It is no such run, weights are not there, or the table in the folder was measured otherwise.
    """
    asked, folder = Asked(points, examples, statistics), RunFolder(run)
    source = _source(folder, sparse)
    numbers = _numbers(levels, source, folder)
    pairs = {number: (End(source, number), End(folder, number)) for number in numbers}
    for pair in pairs.values():
        for end in pair:
            end.check()
    table = PathTable(folder.path if out is None else Path(out), asked.content())
    with table.owned():
        digests = {number: f"{a.digest()}-{b.digest()}" for number, (a, b) in pairs.items()}
        missing = {number: digest for number, digest in digests.items() if not table.holds(str(number), digest)}
        if missing:
            _measure(table, {number: pairs[number] for number in missing}, digests, asked, accelerator, show)
        rows = [row for number in numbers for row in table.rows[str(number)]]
        if missing or not table.picture.is_file():
            every = sorted((row for held in table.rows.values() for row in held), key=lambda row: row["level"])
            draw_paths(every, table.picture, ends=("sparse", "re-dense"), title=folder.path.resolve().name)
    return rows


def _measure(
    table: PathTable,
    pairs: dict[int, tuple[End, End]],
    digests: dict[int, str],
    asked: Asked,
    accelerator: str | None,
    show: Show,
) -> None:
    bar = Progress(asked.points * len(pairs), 0, "point", smoothing=0.05, show=show)
    try:
        with rebuilt(next(iter(pairs.values()))[1].folder, next(iter(pairs)), accelerator) as parts:
            for number, (a, b) in pairs.items():
                removed = sparsity(StoredLevels(a.folder).masks(number))
                rows = list[Row]()
                for row in rows_between(parts, a, b, asked):
                    rows.append({"level": number, "sparsity": removed, **row})
                    bar.move_to(bar.done + 1, f"level {number}")
                table.add(str(number), digests[number], rows)
    finally:
        bar.close()


def _source(folder: RunFolder, sparse: str | Path | None) -> RunFolder:
    """Return the run whose levels a re-dense run trains on."""
    if folder.settings() is None:
        raise UserError(f"{folder.path} {folder.state().reason or 'is no run'}; give the folder of a re-dense run")
    request = parse(["fit", "--config", str(folder.config), "--run_dir", str(folder.path)])
    pruning = request.config.pruning
    if not RETRAININGS.get(pruning.retrain, pruning.retrain_args).continues:
        raise UserError(
            f"{folder.path} has pruning.retrain {pruning.retrain}, which does not train another run's levels on: give "
            "a re-dense run, or two levels as RUN_A:LEVEL RUN_B:LEVEL"
        )
    source = masks_run(request) if sparse is None else RunFolder(sparse)
    if source.settings() is None:
        raise UserError(
            f"{source.path}, whose levels {folder.path} started from, {source.state().reason or 'is no run'}: name its "
            "folder with --sparse"
        )
    return source


def _numbers(levels: Levels, source: RunFolder, folder: RunFolder) -> list[int]:
    """Return the numbers of the levels wanted, rising."""
    if levels == "all":
        return list(range(folder.levels_done())) or [0]
    if levels == "phases":
        run = read_run(source.path)
        numbers = [int(row["level"]) for row in run.rows][: folder.levels_done()]
        places = [0, run.phases.trough, run.phases.peak, len(numbers) - 1]
        return sorted({numbers[place] for place in places if place is not None and place < len(numbers)})
    return sorted(set(levels))
