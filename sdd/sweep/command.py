"""`python -m sdd sweep FILE`: the grid of a W&B sweep file as ordinary runs, without W&B."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from sdd.console import OneLineParser, quieten_lightning, say
from sdd.errors import UserError
from sdd.files import check_folder
from sdd.messages import counted, one_line
from sdd.places import path_argument
from sdd.sweep.fit_process import shown_command
from sdd.sweep.fit_servers import FitServers
from sdd.sweep.grid_run import (
    add_engine_options,
    check_engine_options,
    import_meanwhile,
    run_all,
    say_results,
    say_stopped,
)
from sdd.sweep.overrides import split_overrides
from sdd.sweep.planned_run import Invalid, PlannedRun, Repeated, plan_runs
from sdd.sweep.runner import Result
from sdd.sweep.stop_signals import Stopped, StopSignals
from sdd.sweep.stored_plans import StoredPlans
from sdd.sweep.sweep_file import Cell, read_sweep


def sweep(arguments: Sequence[str]) -> int:
    """Run a sweep; see `--help`.

    Args:
        arguments: The command line after `sweep`.

    Returns:
        0 where every run is finished, 1 where one failed or is invalid, 128 and the signal's number where it was
        stopped.

    Raises:
        UserError: The sweep file or an option cannot be honoured, or no cell can, for one reason.
    """
    options, overrides = split_overrides(arguments)
    chosen = _parser().parse_args(options)
    check_engine_options("sweep", chosen)
    file = read_sweep(chosen.file, overrides)
    base = Path("runs") / file.name if chosen.runs is None else chosen.runs
    if not chosen.dry_run:
        check_folder("--runs", base)
    results: list[Result] = []
    invalid: list[Invalid] = []
    total: int | None = None
    with StopSignals() as stop, FitServers() as servers:
        say(f"{chosen.file}: {counted(len(file.cells), 'cell')}, in {base}", error=True)
        try:
            if chosen.dry_run:
                listed = [*_planned(file.cells, base, stop, starts=False)]
                _check_any(listed)
                return _list(listed)
            planned, importing = [], False
            for cell in _planned(file.cells, base, stop, starts=True):
                planned.append(cell)
                if isinstance(cell, PlannedRun) and not importing and not _finished(cell):
                    import_meanwhile(cell, chosen, servers)
                    importing = True
            _check_any(planned)
            invalid = [cell for cell in planned if isinstance(cell, Invalid)]
            for cell in invalid:
                say(f"invalid   {cell.label}  {cell.reason}")
            runs = [run for run in planned if isinstance(run, PlannedRun)]
            total = len(runs) + len(invalid)
            results = run_all(runs, chosen, stop, servers, leave_others=chosen.leave_others)
        except Stopped:
            pass
        if stop.first is not None:
            return say_stopped("sweep", results, total, stop)
    well = say_results(results, invalid)
    if any(result.end in {"finished", "skipped"} for result in results):
        say(f"  python -m sdd report {base}\n  python -m sdd analyze {base}")
    return 0 if well else 1


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m sdd sweep",
        description="Runs the grid of a W&B sweep file as ordinary `fit` processes, without W&B. Finished runs are "
        "skipped, unfinished ones go on where they were left, and one that fails does not stop the others. Several "
        "sweeps of one file, on one machine or on several that share the folder, divide the runs among them. Settings "
        "take the place of those in the file, or are added: --pruning.levels 3 --seed_everything '[0, 1, 2]', where a "
        "list is swept over. Loggers are those that are given so (--trainer.logger TensorBoardLogger); one in the file "
        "is for agents of W&B.",
    )
    parser.add_argument(
        "file", type=path_argument, metavar="FILE", help="a sweep file with method: grid, or the name of one"
    )
    parser.add_argument(
        "--runs", type=path_argument, metavar="DIR", help="folder for the runs (default: runs/<name of FILE>)"
    )
    parser.add_argument("--dry_run", action="store_true", help="print the commands, and start nothing")
    add_engine_options(parser, "DIR")
    parser.add_argument(
        "--leave_others",
        action="store_true",
        help="end once other sweeps have in work all that is left, instead of waiting for them",
    )
    return parser


def _planned(
    cells: Sequence[Cell], base: Path, stop: StopSignals, *, starts: bool
) -> Iterator[PlannedRun | Invalid | Repeated]:
    quieten_lightning()
    with StoredPlans(base, stop.check, make_folder=starts) as plans:
        for run in plan_runs(cells, base, plans.of):
            stop.check()
            yield run
            if isinstance(run, Repeated):
                say(f"sdd: {run.label} is the same run as {run.of}", error=True)
    stop.check()


def _check_any(planned: Sequence[PlannedRun | Invalid | Repeated]) -> None:
    """Say once what is wrong with every cell, such as a setting of the command line that there is not.

    Raises:
        UserError: All cells are invalid for the same reason.
    """
    reasons = {cell.reason if isinstance(cell, Invalid) else None for cell in planned}
    if len(planned) > 1 and len(reasons) == 1 and (reason := reasons.pop()) is not None:
        raise UserError(f"none of the {len(planned)} cells is valid: {reason}")


def _finished(run: PlannedRun) -> bool:
    """Tell whether nothing is left to do of a run; of one that cannot be read, that is said when its turn comes."""
    try:
        return run.state() == "finished"
    except (UserError, OSError):
        return True


def _list(planned: Sequence[PlannedRun | Invalid | Repeated]) -> int:
    """Print the commands, and what is to be said of each as a comment."""
    failed = False
    for run in planned:
        if isinstance(run, Invalid):
            failed = True
            say(f"# {shown_command(run.arguments)}  # invalid: {one_line(f'{run.label}: {run.reason}')}")
        elif isinstance(run, PlannedRun):
            try:
                state: str = run.state()
            except UserError as error:
                failed, state = True, f"invalid: {error}"
            say(f"{shown_command(run.arguments)}  # {one_line(f'{state}: {run.label}')}")
    return 1 if failed else 0
