"""`python -m sdd interpolate`: loss and accuracy on the straight path between trained levels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdd.console import OneLineParser, say
from sdd.errors import UserError
from sdd.interpolation.ends import end_of
from sdd.interpolation.pair import barrier_lines, barriers_of, interpolate_levels
from sdd.interpolation.redense import Levels, interpolate_redense
from sdd.interpolation.table import files_in
from sdd.places import path_argument, place_of


def interpolate(arguments: Sequence[str]) -> int:
    """Interpolate between levels; see `--help`.

    Args:
        arguments: The command line after `interpolate`.

    Returns:
        0.

    Raises:
        UserError: The levels are not there, or do not belong together.
    """
    chosen = _parser().parse_args(arguments)
    options: dict[str, Any] = {
        name: getattr(chosen, name) for name in ("points", "examples", "statistics", "out", "accelerator")
    }
    ends = [end_of(text) for text in chosen.between]
    if len(ends) == 1 and ends[0] is None:
        _redense(place_of(chosen.between[0], "the run"), _levels(chosen.levels), chosen.sparse, options)
        return 0
    if len(ends) != 2:
        raise UserError("give the folder of a re-dense run, or two levels as RUN_A:LEVEL RUN_B:LEVEL")
    for name, value in {"levels": chosen.levels, "sparse": chosen.sparse}.items():
        if value is not None:
            raise UserError(f"--{name} is for a re-dense run, not for two levels")
    between = interpolate_levels(*chosen.between, **options)
    say("\n".join(barrier_lines(between.barriers)))
    for path in between.files:
        say(f"  {path}")
    return 0


def _redense(run: Path, levels: Levels, sparse: Path | None, options: dict[str, Any]) -> None:
    rows = interpolate_redense(run, levels, sparse=sparse, **options)
    say("level  sparsity  test accuracy: sparse  re-dense  lowest between   error barrier: test  training (points)")
    for number in sorted({int(row["level"]) for row in rows}):
        of_level = [row for row in rows if row["level"] == number]
        accuracy = [100 * row["test_acc"] for row in of_level]
        barriers = barriers_of(of_level)
        test, train = (100 * barriers[name].height for name in ("test_error", "train_error"))
        say(
            f"{number:5d}  {100 * of_level[0]['sparsity']:7.2f}%  {accuracy[0]:20.2f}%  {accuracy[-1]:7.2f}%  "
            f"{min(accuracy):13.2f}%  {test:20.2f}  {train:8.2f}"
        )
    for path in files_in(run if options["out"] is None else options["out"]):
        say(f"  {path}")


def _levels(text: str | None) -> Levels:
    if text is None or text == "all":
        return "all"
    if text == "phases":
        return "phases"
    numbers = text.strip("[]").replace(",", " ").split()
    if not numbers or not all(number.isdecimal() for number in numbers):
        raise UserError(f"--levels is {text!r}; it must be all, phases, or levels such as 0,12,20")
    return [int(number) for number in numbers]


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m sdd interpolate",
        description="Loss and accuracy on training data (noisy labels) and test data along (1 - a) * A + a * B. Of a "
        "re-dense run: from each level that it started from to what it became, into interpolation.csv and .png in its "
        "folder. Of two levels of one network and data: with the error barrier (Frankle et al. 2020: the largest error "
        "minus the mean of the two ends') and the largest rise above the straight line between the ends. What is "
        "measured already is not measured again.",
    )
    parser.add_argument(
        "between",
        nargs="+",
        metavar="RUN",
        help="folder of a re-dense run; or two levels, each RUN:LEVEL or a file of a run's levels/",
    )
    parser.add_argument(
        "--levels", metavar="LEVELS", help="of a re-dense run: all (default), phases, or numbers such as 0,12,20"
    )
    parser.add_argument(
        "--sparse",
        type=path_argument,
        metavar="RUN",
        help="run that the re-dense one started from (default: its masks_from)",
    )
    parser.add_argument("--points", type=int, default=101, help="values of a from 0 to 1 (default: 101)")
    parser.add_argument(
        "--examples", type=int, help="of each part of the data, the same as dynamics.examples has (default: all)"
    )
    parser.add_argument(
        "--statistics",
        choices=("interpolated", "recomputed"),
        default="interpolated",
        help="running statistics of normalisation layers: interpolated as weights are (default), so that the ends are "
        "the levels' rows of curve.csv; or recomputed from the training examples at each a",
    )
    parser.add_argument("--accelerator", help="device, by Lightning's name (default: the run's)")
    parser.add_argument(
        "--out",
        type=path_argument,
        help="folder to write to (default: the re-dense run's, or interpolation/A--B of two levels)",
    )
    return parser
