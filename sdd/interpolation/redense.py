"""Between the levels of a re-dense run and those that it started from (He et al. 2022, figures 7 and 40 to 42)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sdd.analysis.curve import read_curve
from sdd.analysis.paths import Row, draw_paths
from sdd.analysis.phases import marking_levels
from sdd.analysis.reading import read_run
from sdd.cli.parse import parse
from sdd.cli.prerequisites import found_tickets
from sdd.cli.rebuild import rebuilt
from sdd.console import Progress, Show, say
from sdd.errors import UserError
from sdd.interpolation.ends import End
from sdd.interpolation.measuring import Asked, rows_between
from sdd.interpolation.table import PathTable
from sdd.measures.path import Statistics
from sdd.pruning.masks import sparsity
from sdd.pruning.retraining import RETRAININGS
from sdd.runs.folder import RunFolder
from sdd.runs.masks_source import masks_place
from sdd.runs.prerequisites import AUTO
from sdd.runs.settings import MASKS_FROM, SEED
from sdd.runs.trained_levels import StoredLevels

_ROUNDING = 0.01
"""By which another machine's test accuracy may differ."""

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
    source = source_of(folder, sparse)
    numbers = _numbers(levels, source, folder)
    pairs = {number: (End(source, number), End(folder, number)) for number in numbers}
    for pair in pairs.values():
        for end in pair:
            end.check()
    _check_source(source, folder, numbers)
    table = PathTable(folder.path if out is None else Path(out), asked.content())
    with table.owned():
        digests = {number: f"{a.digest()}-{b.digest()}" for number, (a, b) in pairs.items()}
        missing = {number: digest for number, digest in digests.items() if not table.holds(str(number), digest)}
        if missing:
            _measure(table, {number: pairs[number] for number in missing}, digests, asked, accelerator, show)
        rows = [row for number in numbers for row in table.rows[str(number)]]
        if missing or not table.picture.is_file():
            every = sorted((row for held in table.rows.values() for row in held), key=lambda row: row["level"])
            draw_paths(every, table.picture, ends=("sparse", "re-dense"), title=_title(folder))
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


def source_of(folder: RunFolder, sparse: str | Path | None = None) -> RunFolder:
    """Return the run whose levels a re-dense run trains on.

    Args:
        folder: The re-dense run.
        sparse: Where that run is; None: as `pruning.masks_from` of the re-dense one says.

    Raises:
        UserError: It is no such run, or there is none where it is said to be.
    """
    held = folder.settings()
    if held is None:
        raise UserError(f"{folder.path} {folder.state().reason or 'is no run'}; give the folder of a re-dense run")
    retrain, start = held.values["pruning.retrain"], "pruning.retrain_args."
    own = {name.removeprefix(start): value for name, value in held.values.items() if name.startswith(start)}
    if not RETRAININGS.get(retrain, own or None).continues:
        raise UserError(
            f"{folder.path} has pruning.retrain {retrain}, which does not train another run's levels on: give a "
            "re-dense run, or two levels as RUN_A:LEVEL RUN_B:LEVEL"
        )
    named = held.values[MASKS_FROM]
    if sparse is not None:
        source = RunFolder(sparse)
    elif named == AUTO:
        source = found_tickets(parse(["fit", "--config", str(folder.config), f"--run_dir={folder.path}"]))
    else:
        source = RunFolder(masks_place(named, held.values[SEED]))
    if source.settings() is None:
        raise UserError(
            f"{source.path}, whose levels {folder.path} started from, {source.state().reason or 'is no run'}: name its "
            "folder with --sparse"
        )
    return source


def _check_source(source: RunFolder, folder: RunFolder, numbers: Sequence[int]) -> None:
    """Find out by the two curves whether a run's levels are those that a re-dense run started from.

    Raises:
        UserError: They are not.
    """
    if not (source.curve.is_file() and folder.curve.is_file()):
        return
    curves = [{int(row["level"]): row for row in read_curve(run.curve)} for run in (source, folder)]
    for number in numbers:
        one, other = (curve.get(number, {}) for curve in curves)
        then, now = one.get("test_acc"), other.get("test_acc_before")
        if then is not None and now is not None and abs(then - now) > _ROUNDING:
            raise UserError(
                f"{source.path} is not the run that {folder.path} started from: its level {number} has a test accuracy "
                f"of {100 * then:.2f}%, and {folder.path} started from one of {100 * now:.2f}%"
            )


def _all_stored(source: RunFolder, folder: RunFolder) -> list[int]:
    """Return the numbers of the levels of which both runs have the weights; those that one of them lacks are said."""
    wanted = list(range(folder.levels_done())) or folder.stored_levels()
    stored = {run.path: run.stored_levels() for run in (source, folder)}
    both = [number for number in wanted if all(number in held for held in stored.values())]
    for path, held in stored.items():
        lacking = [str(number) for number in wanted if number not in held]
        if lacking and both:
            say(f"{path} has no weights of level {', '.join(lacking)}: left out", error=True)
    return both or [0]  # of which it is said then that it is not there


def _title(folder: RunFolder) -> str:
    """Return what a run is, for people."""
    settings = folder.settings()
    values = {} if settings is None else settings.values
    dataset = str(values.get("data.dataset", "")).rpartition(".")[2]
    noise = f"{100 * float(values.get('data.noise_rate', 0)):.3g} % {values.get('data.noise_type')} noise"
    return f"{dataset}, {noise}, seed {values.get('seed_everything')}"


def _numbers(levels: Levels, source: RunFolder, folder: RunFolder) -> list[int]:
    """Return the numbers of the levels wanted, rising."""
    if levels == "all":
        return _all_stored(source, folder)
    if levels == "phases":
        run = read_run(source.path)
        numbers = [int(row["level"]) for row in run.rows][: folder.levels_done()]
        places = marking_levels(run.phases.trough, run.phases.peak, len(numbers)).values()
        return sorted({numbers[place] for place in places if place < len(numbers)})
    return sorted(set(levels))
