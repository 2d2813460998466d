"""`python -m sdd plot RUN [RUN…]`: a figure of one's own from runs."""

from collections.abc import Sequence
from pathlib import Path

from sdd.analysis.panel_drawing import FORMATS, check_format, write_panels
from sdd.analysis.panels import BANDS
from sdd.analysis.plotting import X_KINDS, arrange, names_in
from sdd.analysis.reading import read_runs
from sdd.console import OneLineParser, say
from sdd.errors import UserError
from sdd.files import check_output
from sdd.places import path_argument


def plot(arguments: Sequence[str]) -> int:
    """Draw runs; see `--help`.

    Args:
        arguments: The command line after `plot`.

    Returns:
        0, or 1 where some folder could not be used.

    Raises:
        UserError: Nothing can be drawn, or not what was asked for; then nothing is written.
    """
    parser = OneLineParser(
        prog="python -m sdd plot",
        description="Draws runs as lines: mean over the runs that differ only in seed_everything, and a band. The "
        "legend says what the band is and over how many runs. Its numbers are written beside the figure.",
    )
    parser.add_argument(
        "runs", nargs="+", type=path_argument, metavar="RUN", help="folder of a run, or one that holds runs"
    )
    parser.add_argument(
        "--y",
        default="test_acc",
        metavar="MEASURE[,MEASURE]",
        help="measures, a panel each; those joined by + share one, such as test_acc+train_acc,distance "
        "(default: test_acc); generalization_gap is training accuracy - test accuracy",
    )
    parser.add_argument(
        "--by",
        default="",
        metavar="SETTING[,SETTING]",
        help="settings that tell lines apart, such as data.noise_rate (default: whichever the runs differ in)",
    )
    parser.add_argument("--panels", default="", metavar="SETTING", help="setting whose values have panels side by side")
    parser.add_argument("--x", choices=X_KINDS, default=X_KINDS[0], help=f"horizontal axis (default: {X_KINDS[0]})")
    parser.add_argument(
        "--band", choices=BANDS, default="sd", help="one standard deviation, 95%% interval of the mean, or none"
    )
    parser.add_argument("--twin", action="store_true", help="the second of two measures at a right axis, in one panel")
    parser.add_argument("--phases", action="store_true", help="shade the phases; each panel must have one group")
    parser.add_argument(
        "--along",
        default="",
        metavar="SETTING",
        help="dense networks that differ in this setting, such as model.net.init_args.widths, are one line over "
        "--x weights",
    )
    parser.add_argument("--title", default="", help="above the figure")
    parser.add_argument(
        "--out",
        type=path_argument,
        default=Path("plot.pdf"),
        help=f"file to write: {', '.join(FORMATS)} (default: plot.pdf)",
    )
    chosen = parser.parse_args(arguments)
    check_format(chosen.out)
    if chosen.out.is_dir():
        raise UserError(f"cannot write {chosen.out}: it is a folder")
    chosen.out = check_output("--out", chosen.out)
    loaded = read_runs(chosen.runs)
    made = arrange(
        loaded.runs,
        y=names_in(chosen.y),
        by=names_in(chosen.by),
        panels=names_in(chosen.panels),
        x=chosen.x,
        band=chosen.band,
        twin=chosen.twin,
        phases=chosen.phases,
        along=chosen.along,
        problems=loaded.problems,
    )
    for problem in loaded.problems:
        say(f"sdd: {problem}", error=True)
    for note in made.notes:
        say(f"note: {note}")
    for path in write_panels(made.panels, made.draw(band=chosen.band, title=chosen.title), chosen.out):
        say(f"  {path}")
    return 1 if loaded.problems else 0
