"""`python -m results`: what RESULTS.md is made of, trained, kept and written; see `--help`."""

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from results.curves import Curve, plan_curves, read_tasks
from results.evidence import FOLDER, Evidence
from results.figures import FIGURES, draw
from results.page import PAGE, page
from results.store import check_finished, keep
from sdd.__main__ import told
from sdd.console import OneLineParser, Progress, quieten_lightning, say
from sdd.errors import UserError
from sdd.files import write_atomically
from sdd.messages import did_you_mean
from sdd.places import path_argument
from sdd.sweep.fit_servers import FitServers
from sdd.sweep.grid_run import (
    ENGINE_OPTIONS,
    add_engine_options,
    check_engine_options,
    run_all,
    say_results,
    say_stopped,
)
from sdd.sweep.runner import Result
from sdd.sweep.stop_signals import Stopped, StopSignals
from sdd.sweep.stored_plans import StoredPlans

_ROOT = Path(__file__).parents[1]


def results(arguments: Sequence[str]) -> int:
    """Do what a command line asks for, and return the exit status; see `--help`."""
    chosen = _parser().parse_args(arguments)
    check_engine_options("results", chosen)
    curves = _curves(chosen.curves)
    _check_used(chosen)
    chosen.runs = chosen.runs or Path("runs/results")
    if sum((chosen.train, chosen.keep, chosen.kept is not None)) > 1:
        raise UserError("--train, --keep and --from are one each: give them one after the other")
    if chosen.kept is not None:
        if chosen.curves:
            raise UserError("--from writes the whole page: name no curves beside it")
        if not chosen.kept.is_dir():
            raise UserError(f"--from is {chosen.kept}, which is no folder; the kept tables are in docs/results/runs")
        return _write(Evidence(chosen.kept), _ROOT)
    if chosen.train:
        return _train(curves, chosen)
    if chosen.keep:
        return _keep(curves, chosen)
    return _say_plan(curves)


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m results",
        description="Says which runs RESULTS.md is made of and what they cost; trains them, keeps their small tables, "
        "and writes figures and page from those.",
    )
    parser.add_argument("curves", nargs="*", metavar="TASK[/CURVE]", help="of results/curves.yaml (default: all)")
    parser.add_argument("--train", action="store_true", help="train the runs that are not finished in --runs")
    parser.add_argument("--keep", action="store_true", help="copy the small tables of finished runs to docs/results")
    parser.add_argument(
        "--from", dest="kept", type=path_argument, metavar="DIR", help="write figures and page from the tables in DIR"
    )
    parser.add_argument("--runs", type=path_argument, metavar="DIR", help="folder for the runs (default: runs/results)")
    add_engine_options(parser, "DIR")
    return parser


def _check_used(chosen: Any) -> None:
    """Refuse options that what is asked for has no use for."""
    if chosen.runs is not None and not (chosen.train or chosen.keep):
        raise UserError("--runs is where --train and --keep have their runs: add one of them")
    for name in ENGINE_OPTIONS:
        if getattr(chosen, name) is not None and not chosen.train:
            raise UserError(f"--{name} is for --train: add it")


def _curves(names: Sequence[str]) -> list[Curve]:
    """Return the curves that are named."""
    every = [curve for task in read_tasks().values() for curve in task.curves.values()]
    known = {curve.task for curve in every} | {f"{curve.task}/{curve.name}" for curve in every}
    for name in names:
        if name not in known:
            tasks = ", ".join(sorted({curve.task for curve in every}))
            raise UserError(f"there is no {name} in results/curves.yaml; its tasks: {tasks}{did_you_mean(name, known)}")
    return [one for one in every if not names or {one.task, f"{one.task}/{one.name}"} & set(names)]


def _say_plan(curves: Sequence[Curve]) -> int:
    """Print what there is to train, by task, and what it costs."""
    say(f"{'task':<12}{'curves':>8}{'runs':>8}{'kept':>8}{'core hours':>12}  what")
    hours = 0.0
    for name, task in read_tasks().items():
        own = [curve for curve in curves if curve.task == name]
        if own:
            cost = sum(curve.minutes * len(curve.names) for curve in own) / 60
            hours += cost
            runs = [run for curve in own for run in curve.names]
            kept = sum((FOLDER / name / run).is_dir() for run in runs)
            say(f"{name:<12}{len(own):>8}{len(runs):>8}{kept:>8}{cost:>12.1f}  {task.about}")
    say(f"{hours:.1f} core hours in all. --train trains them, --keep keeps their tables, --from DIR writes the page.")
    return 0


def _train(curves: Sequence[Curve], chosen: Any) -> int:
    now = [curve for curve in curves if _can_be_trained(curve)]
    ended: list[Result] = []
    count: int | None = None
    with StopSignals() as stop, FitServers() as servers:
        try:
            quieten_lightning()
            with StoredPlans(chosen.runs, stop.check) as plans:
                runs = plan_curves(now, chosen.runs, plans.of)
            unique = {run.planned.path: run.planned for run in runs}
            count = len(unique)
            ended = run_all(list(unique.values()), chosen, stop, servers, leave_others=False)
        except Stopped:
            pass
        if stop.first is not None:
            return say_stopped("results", ended, count, stop)
    return 0 if say_results(ended, []) else 1


def _can_be_trained(curve: Curve) -> bool:
    """Tell whether the environment is the one that a curve needs, and say so where it is not."""
    if all(os.environ.get(name) == value for name, value in curve.needs.items()):
        return True
    given = " ".join(f"{name}={value}" for name, value in curve.needs.items())
    say(f"{curve.task}/{curve.name} needs {given}: left out", error=True)
    return False


def _keep(curves: Sequence[Curve], chosen: Any) -> int:
    quieten_lightning()
    with StoredPlans(chosen.runs) as plans:
        runs = plan_curves([curve for curve in curves if _can_be_trained(curve)], chosen.runs, plans.of)
    for run in runs:
        check_finished(run)
    with closing(Progress(len(runs), 0, "run", smoothing=0.0)) as bar:
        for done, run in enumerate(runs, 1):
            keep(run, FOLDER)
            bar.move_to(done, f"{done} of {len(runs)} runs kept")
    say(f"kept {len(runs)} runs in {FOLDER}")
    return 0


def _write(evidence: Evidence, root: Path) -> int:
    """Write the page and its figures."""
    content = page(evidence)  # refused before anything is drawn
    for name in FIGURES:
        say(f"  {draw(evidence, root / 'docs' / 'results', name).relative_to(root)}")
    write_atomically(root / PAGE, content)
    say(f"  {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(told(lambda: results(sys.argv[1:]), name="results", goes_on="--train" in sys.argv))
