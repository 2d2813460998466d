"""`python -m sdd sweep FILE`: the grid of a W&B sweep file as ordinary runs, without W&B."""

import os
from collections.abc import Sequence
from pathlib import Path

from sdd.console import OneLineParser, quieten_lightning, say
from sdd.errors import UserError
from sdd.messages import counted, one_line
from sdd.sweep.engine import Engine
from sdd.sweep.fit_process import shown_command
from sdd.sweep.local_engine import LocalEngine
from sdd.sweep.planned_run import Invalid, PlannedRun, Repeated, plan_runs, relative
from sdd.sweep.runner import Result, SweepRunner
from sdd.sweep.stop_signals import Stopped, StopSignals
from sdd.sweep.sweep_file import Cell, read_sweep


def sweep(arguments: Sequence[str]) -> int:
    """Run a sweep; see `--help`.

    Args:
        arguments: The command line after `sweep`.

    Returns:
        0 where every run is finished, 1 where one failed or is invalid, 128 and the signal's number where it was
        stopped.

    Raises:
        UserError: The sweep file or an option cannot be honoured.
    """
    chosen = _parser().parse_args(arguments)
    _check(chosen.workers, chosen.ray, chosen.cpus_per_run, chosen.gpus_per_run)
    file = read_sweep(chosen.file)
    base = Path("runs") / file.name if chosen.runs is None else chosen.runs
    with StopSignals() as stop:
        say(f"{chosen.file}: {counted(len(file.cells), 'cell')}, in {base}", error=True)
        try:
            planned = _plan(file.cells, base, stop)
            runs = [run for run in planned if isinstance(run, PlannedRun)]
            invalid = [cell for cell in planned if isinstance(cell, Invalid)]
            if chosen.dry_run:
                return _list(planned)
            for cell in invalid:
                say(f"invalid   {cell.label}  {cell.reason}")
            engine = _engine(chosen.workers, chosen.ray, chosen.cpus_per_run or 1.0, chosen.gpus_per_run)
            try:
                stop.catch()
                results = SweepRunner(runs, engine, stop, leave_others=chosen.leave_others).run()
            finally:
                engine.close()
        except Stopped:
            results, invalid = [], []
        if stop.first is not None:
            ended = sum(result.end in {"finished", "skipped"} for result in results)
            say(
                f"sdd: sweep stopped by {stop.first.name}, {ended} of {counted(len(file.cells), 'run')} finished; the "
                "same command goes on where they were left",
                error=True,
            )
            return stop.status
    return _summarise(results, invalid, base)


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m sdd sweep",
        description="Runs the grid of a W&B sweep file as ordinary `fit` processes, without W&B. Finished runs are "
        "skipped, unfinished ones go on where they were left, and one that fails does not stop the others. Several "
        "sweeps of one file, on one machine or on several that share the folder, divide the runs among them.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a sweep file with method: grid")
    parser.add_argument(
        "--workers",
        type=int,
        help="runs at once on this machine, which share its cores where `threads` is not set (default: 1)",
    )
    parser.add_argument("--runs", type=Path, metavar="DIR", help="folder for the runs (default: runs/<name of FILE>)")
    parser.add_argument("--dry_run", action="store_true", help="print the commands, and start nothing")
    parser.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="run on Ray, on the cluster at this address or, without one, where RAY_ADDRESS says or on this machine; "
        "all its machines must see DIR, the configurations and the data under the same paths",
    )
    parser.add_argument("--cpus_per_run", type=float, help="CPUs that a run asks Ray for (default: 1)")
    parser.add_argument("--gpus_per_run", type=float, help="GPUs that a run asks Ray for (default: 0)")
    parser.add_argument(
        "--leave_others",
        action="store_true",
        help="end once other sweeps have in work all that is left, instead of waiting for them",
    )
    return parser


def _check(workers: int | None, ray: str | None, cpus_per_run: float | None, gpus_per_run: float | None) -> None:
    if workers is not None and workers < 1:
        raise UserError(f"--workers is {workers}; it must be at least 1")
    for name, number in (("--cpus_per_run", cpus_per_run), ("--gpus_per_run", gpus_per_run)):
        if number is not None and ray is None:
            raise UserError(f"{name} is for Ray, which divides CPUs and GPUs among the runs: add --ray")
        if number is not None and not 0 <= number < float("inf"):
            raise UserError(f"{name} is {number}; it must be a number from 0")
    if workers is not None and ray is not None:
        raise UserError("--workers is for this machine alone; with --ray, --cpus_per_run and --gpus_per_run say it")
    if not hasattr(os, "killpg"):
        raise UserError("sweep needs process groups, which this system lacks: use W&B (wandb sweep, wandb agent)")


def _plan(cells: Sequence[Cell], base: Path, stop: StopSignals) -> list[PlannedRun | Invalid | Repeated]:
    quieten_lightning()
    planned = []
    for run in plan_runs(cells, base):
        stop.check()
        planned.append(run)
        if isinstance(run, Repeated):
            say(f"sdd: {run.label} is the same run as {run.of}", error=True)
    stop.check()
    return planned


def _engine(workers: int | None, ray: str | None, cpus_per_run: float, gpus_per_run: float | None) -> Engine:
    if ray is None:
        return LocalEngine(workers or 1)
    from sdd.sweep.ray_engine import RayEngine

    return RayEngine(ray or None, cpus_per_run, gpus_per_run or 0.0)


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


def _summarise(results: Sequence[Result], invalid: Sequence[Invalid], base: Path) -> int:
    """Print what has become of the runs, and return the exit status."""
    ends = [result.end for result in results]
    words = {"finished": "finished", "skipped": "finished before", "failed": "failed", "elsewhere": "in other sweeps"}
    counts = [f"{ends.count(end)} {word}" for end, word in words.items() if end in ends]
    counts += [f"{len(invalid)} invalid"] if invalid else []
    say(f"\n{counted(len(results) + len(invalid), 'run')}: {', '.join(counts)}")
    for cell in invalid:
        say(f"  invalid  {cell.label}: {cell.reason}")
    for result in results:
        if result.end == "failed":
            say(f"  failed   {result.run.label}: {result.reason}")
            if result.run.log.exists():
                say(f"           see {relative(result.run.log)}")
    if "finished" in ends or "skipped" in ends:
        say(f"  python -m sdd report {base}\n  python -m sdd analyze {base}")
    return 1 if invalid or "failed" in ends else 0
