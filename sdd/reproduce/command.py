"""`python -m sdd reproduce FIGURE …`: the runs of figures of the paper, and the figures."""

from collections.abc import Sequence
from pathlib import Path

from sdd.console import OneLineParser, Progress, quieten_lightning, say
from sdd.errors import UserError
from sdd.files import check_folder
from sdd.messages import counted, did_you_mean, one_line
from sdd.places import path_argument
from sdd.reproduce.cost import Cost, cost_of
from sdd.reproduce.drawing import draw_figure
from sdd.reproduce.figures import FIGURES, Figure
from sdd.reproduce.runs import Override, PlannedRuns, plan_figures
from sdd.reproduce.scales import Scale, read_scale, scale_names
from sdd.sweep.fit_process import shown_command
from sdd.sweep.fit_servers import FitServers
from sdd.sweep.grid_run import (
    add_engine_options,
    check_engine_options,
    run_all,
    say_results,
    say_stopped,
)
from sdd.sweep.runner import Result
from sdd.sweep.stop_signals import Stopped, StopSignals
from sdd.sweep.stored_plans import StoredPlans

_ALL = "all"


def reproduce(arguments: Sequence[str]) -> int:
    """Train what some figures of the paper lack, and draw them; see `--help`.

    Args:
        arguments: The command line after `reproduce`.

    Returns:
        0 where every run is finished and every figure drawn, 1 where one is not, 128 and the signal's number where it
        was stopped.

    Raises:
        UserError: There is no such figure or scale, or an option cannot be honoured.
    """
    chosen = _parser().parse_args(arguments)
    check_engine_options("reproduce", chosen)
    scale = read_scale(chosen.scale)
    figures = _figures(chosen.figures, listing=chosen.list)
    overrides = [Override.of_text(text) for text in chosen.set]
    base = Path("runs") / f"reproduce-{scale.name}" if chosen.runs is None else chosen.runs
    out = Path("figures") / scale.name if chosen.out is None else chosen.out
    for option, folder in {"--runs": base, "--out": out}.items():
        check_folder(option, folder)
    results: list[Result] = []
    planned: PlannedRuns | None = None
    with StopSignals() as stop, FitServers() as servers:
        say(f"scale {scale.name}: {scale.about}; runs in {base}", error=True)
        try:
            quieten_lightning()
            planned = _planned(figures, scale, base, overrides, stop, starts=not (chosen.list or chosen.dry_run))
            if chosen.list:
                return _list_figures(figures, planned, scale)
            if chosen.dry_run:
                return _list_runs(figures, planned, scale)
            for cell in planned.invalid:
                say(f"invalid   {cell.label}  {cell.reason}")
            results = run_all(planned.runs, chosen, stop, servers, leave_others=False)
        except Stopped:
            pass
        if stop.first is not None:
            return say_stopped("reproduce", results, None if planned is None else len(planned.runs), stop)
    assert planned is not None
    well = say_results(results, planned.invalid)
    for figure in figures:
        well = _draw(figure, planned, scale, out, overrides) and well
    return 0 if well else 1


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m sdd reproduce",
        description="Makes figures of He et al. 2022 (arXiv:2206.08684): trains the runs that they lack, which figures "
        "share, and draws each as PDF and PNG with a table of its numbers. Finished runs are kept, stopped ones gone "
        "on with.",
    )
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"numbers, 1 to {len(FIGURES)}, or {_ALL}")
    parser.add_argument(
        "--scale",
        default="digits",
        metavar="SCALE",
        help=f"{', '.join(scale_names())}, or a file like those: how large the experiments are (default: digits)",
    )
    parser.add_argument("--list", action="store_true", help="list the figures with their state and cost")
    parser.add_argument("--dry_run", action="store_true", help="list the runs with their cost, and start nothing")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="[TASK:]NAME=VALUE",
        help="a setting of all runs, or those of a task, such as data.root=DIR or "
        "mnist_lenet:pruning.epochs_per_level=100",
    )
    parser.add_argument(
        "--runs", type=path_argument, metavar="DIR", help="folder for the runs (default: runs/reproduce-SCALE)"
    )
    parser.add_argument(
        "--out", type=path_argument, metavar="DIR", help="folder for the figures (default: figures/SCALE)"
    )
    add_engine_options(parser, "DIR")
    return parser


def _figures(names: Sequence[str], *, listing: bool) -> list[Figure]:
    if not names and not listing:
        raise UserError(f"name a figure, 1 to {len(FIGURES)}, or {_ALL}; --list says what each is")
    if not names or _ALL in names:
        return list(FIGURES.values())
    for name in names:
        if name not in FIGURES:
            near = did_you_mean(name, FIGURES) if name.isdigit() else ""
            raise UserError(f"there is no figure {name}; there are 1 to {len(FIGURES)}, and {_ALL}{near}")
    return [FIGURES[name] for name in dict.fromkeys(names)]


def _planned(
    figures: Sequence[Figure],
    scale: Scale,
    base: Path,
    overrides: Sequence[Override],
    stop: StopSignals,
    *,
    starts: bool,
) -> PlannedRuns:
    bar = Progress(1, 0, "run", smoothing=0.0)

    def each(done: int, total: int) -> None:
        bar.move_to(done, f"{done} of {total} runs checked", total)
        stop.check()

    try:
        with StoredPlans(base, stop.check, make_folder=starts) as plans:
            return plan_figures(figures, scale, base, overrides, each, plans.of)
    finally:
        bar.close()


def _list_figures(figures: Sequence[Figure], planned: PlannedRuns, scale: Scale) -> int:
    say(f"{'figure':<8}{'runs':>9}  {'time left':>10}  {'disk':>8}  what")
    for figure in figures:
        runs, left = planned.of(figure), cost_of(planned, scale, figure.experiments)
        done = f"{len(runs) - left.runs}/{len(runs)}"
        say(f"{figure.name:<8}{done:>9}  {_duration(left.seconds):>10}  {_size(left.disk):>8}  {figure.about}")
    total = cost_of(planned, scale, planned.by_experiment)
    say(_in_words(total, len(planned.runs), scale))
    return _say_invalid(planned)


def _list_runs(figures: Sequence[Figure], planned: PlannedRuns, scale: Scale) -> int:
    """Print the commands, and what is to be said of each as a comment."""
    for figure in figures:
        say(f"# figure {figure.name}: {figure.about}")
    failed = False
    for run in planned.runs:
        try:
            state: str = run.state()
        except UserError as error:
            failed, state = True, f"invalid: {error}"
        say(f"{shown_command(run.arguments)}  # {one_line(f'{state}: {run.label}')}")
    if not failed:
        say(f"# {_in_words(cost_of(planned, scale, planned.by_experiment), len(planned.runs), scale)}")
    return max(_say_invalid(planned), int(failed))


def _say_invalid(planned: PlannedRuns) -> int:
    for cell in planned.invalid:
        say(f"# {shown_command(cell.arguments)}  # invalid: {one_line(f'{cell.label}: {cell.reason}')}")
    return 1 if planned.invalid else 0


def _in_words(cost: Cost, runs: int, scale: Scale) -> str:
    return (
        f"{cost.runs} of {counted(runs, 'run')} to do: {cost.epochs:,} epochs, about {_duration(cost.seconds)} on "
        f"{scale.machine} and a start of some 2 s a run there, {_size(cost.disk)} of disk"
    )


def _draw(figure: Figure, planned: PlannedRuns, scale: Scale, out: Path, overrides: Sequence[Override]) -> bool:
    """Draw a figure; returns whether all of it could be drawn, and says what could not."""
    try:
        written, lacks = draw_figure(figure, planned, scale, out, overrides)
    except UserError as error:
        say(f"figure {figure.name}: not drawn: {error}")
        return False
    say(f"figure {figure.name}: {', '.join(str(path) for path in written)}")
    for line in lacks:
        say(f"  without {line}")
    return not lacks


def _duration(seconds: float) -> str:
    """Return a time in the unit that fits it."""
    for limit, unit, size in ((90, "s", 1), (5400, "min", 60), (172_800, "h", 3600), (float("inf"), "days", 86_400)):
        if seconds < limit:
            return f"{seconds / size:,.0f} {unit}"
    raise AssertionError


def _size(count: int) -> str:
    """Return a number of bytes in the unit that fits it."""
    return f"{count / 1e6:,.0f} MB" if count < 2e9 else f"{count / 1e9:,.0f} GB"
