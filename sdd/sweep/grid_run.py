"""The runs of a grid, taken to their ends on this machine or on Ray, and what is said of it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdd.console import OneLineParser, say
from sdd.errors import UserError
from sdd.messages import counted
from sdd.sweep.engine import Engine, threads_of
from sdd.sweep.fit_servers import FitServers
from sdd.sweep.local_engine import LocalEngine, cores, usual_workers
from sdd.sweep.planned_run import Invalid, PlannedRun, relative
from sdd.sweep.runner import Result, SweepRunner
from sdd.sweep.silence import timeout_of
from sdd.sweep.stop_signals import StopSignals

ENGINE_OPTIONS = ("workers", "ray", "timeout", "cpus_per_run", "gpus_per_run")
"""Names of what `add_engine_options` adds; None where it is not given."""


def add_engine_options(parser: OneLineParser, folder: str) -> None:
    """Add the options that say where runs are computed.

    Args:
        parser: Of a command that trains runs.
        folder: What the folder of the runs is called in its help.
    """
    parser.add_argument(
        "--workers",
        type=int,
        help="runs at once on this machine, which share its cores where `threads` is not set (default: one; where all "
        "runs set `threads`, and trainer.accelerator cpu, as many as there are cores for)",
    )
    parser.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="run on Ray, on the cluster at this address or, without one, where RAY_ADDRESS says or on this machine; "
        f"all its machines must see {folder}, the configurations and the data under the same paths",
    )
    parser.add_argument(
        "--timeout",
        metavar="DURATION",
        help="end a run, as one that failed, that gives no sign of life for so long, such as 30m, 2h or 1d: no step of "
        "training, nothing printed; longer than its data take to load and a level to be measured (default: never)",
    )
    parser.add_argument("--cpus_per_run", type=float, help="CPUs that a run asks Ray for (default: 1)")
    parser.add_argument("--gpus_per_run", type=float, help="GPUs that a run asks Ray for (default: 0)")


def check_engine_options(command: str, chosen: Any) -> None:
    """Find out whether the options of `add_engine_options` can be honoured.

    Raises:
        UserError: They cannot.
    """
    if chosen.workers is not None and chosen.workers < 1:
        raise UserError(f"--workers is {chosen.workers}; it must be at least 1")
    if chosen.timeout is not None:
        timeout_of(chosen.timeout)
    for name in ("cpus_per_run", "gpus_per_run"):
        number = getattr(chosen, name)
        if number is not None and chosen.ray is None:
            raise UserError(f"--{name} is for Ray, which divides CPUs and GPUs among the runs: add --ray")
        if number is not None and not 0 <= number < float("inf"):
            raise UserError(f"--{name} is {number}; it must be a number from 0")
    if chosen.workers is not None and chosen.ray is not None:
        raise UserError("--workers is for this machine alone; with --ray, --cpus_per_run and --gpus_per_run say it")
    if not hasattr(os, "killpg"):
        raise UserError(f"{command} needs process groups, which this system lacks: use W&B (wandb sweep, wandb agent)")


def _engine_of(chosen: Any, runs: Sequence[PlannedRun], servers: FitServers) -> Engine:
    """Return the engine that the options of `add_engine_options` ask for."""
    if chosen.ray is None:
        return LocalEngine(chosen.workers or usual_workers(runs), servers)
    from sdd.sweep.ray_engine import RayEngine

    return RayEngine(chosen.ray or None, chosen.cpus_per_run or 1.0, chosen.gpus_per_run or 0.0)


def import_meanwhile(first: PlannedRun, chosen: Any, servers: FitServers) -> None:
    """Let the imports for the runs of a grid begin while the rest of it is planned.

    Args:
        first: Of the runs that are not finished; the others are likely to have its environment.
        chosen: The options of `add_engine_options`.
        servers: Those of `run_all`.
    """
    if chosen.ray is None:
        workers = chosen.workers or usual_workers([first])
        servers.start(Path.cwd(), threads_of(first, cores() // workers))


def run_all(
    runs: Sequence[PlannedRun], chosen: Any, stop: StopSignals, servers: FitServers, *, leave_others: bool
) -> list[Result]:
    """Take runs to their ends; returns what became of each, in the order in which they ended.

    Args:
        runs: In the order in which they are to be started.
        chosen: The options of `add_engine_options`.
        stop: Says when to stop.
        servers: Copied for the runs on this machine.
        leave_others: End when only runs are left that other sweeps have in work, instead of waiting for them.
    """
    working = _engine_of(chosen, runs, servers)
    timeout = None if chosen.timeout is None else timeout_of(chosen.timeout)
    try:
        stop.catch()
        return SweepRunner(runs, working, stop, leave_others=leave_others, timeout=timeout).run()
    finally:
        working.close()


def say_stopped(what: str, results: Sequence[Result], total: int | None, stop: StopSignals) -> int:
    """Say how far a stopped command came, and return its exit status.

    Args:
        what: That was stopped, such as `sweep`.
        results: Of the runs that had ended.
        total: How many runs there are; None where it was stopped before that was known, and so before any was started.
        stop: What stopped it.
    """
    assert stop.first is not None
    ended = sum(result.end in {"finished", "skipped"} for result in results)
    far = (
        " before it started a run; the same command begins again"
        if total is None
        else f", {ended} of {counted(total, 'run')} finished; the same command goes on where they were left"
    )
    say(f"sdd: {what} stopped by {stop.first.name}{far}", error=True)
    return stop.status


def say_results(results: Sequence[Result], invalid: Sequence[Invalid]) -> bool:
    """Print what has become of the runs; returns whether all have ended well.

    Args:
        results: Of the runs.
        invalid: Cells that no run could be made of.
    """
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
            if os.path.isfile(result.run.log):
                say(f"           see {relative(result.run.log)}")
    return not invalid and "failed" not in ends
