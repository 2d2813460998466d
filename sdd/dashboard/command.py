"""`python -m sdd dashboard ENTITY/PROJECT`: save the workspace, or print it."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdd.analysis.columns import merged
from sdd.analysis.reading import read_runs
from sdd.console import OneLineParser, say
from sdd.dashboard.panels import usual_columns
from sdd.errors import UserError
from sdd.measures.columns import Column
from sdd.messages import one_line
from sdd.places import path_argument

# What W&B allows in names of projects: all but these.
_PLACE = re.compile(r"([\w.-]+)/([^/\\#?%:\s][^/\\#?%:]*)")


def dashboard(arguments: Sequence[str]) -> int:
    """Save the dashboard; see `--help`.

    Args:
        arguments: The command line after `dashboard`.

    Returns:
        0.

    Raises:
        UserError: The place is none, no run can be read, the package is missing, nobody is logged in, or W&B does not
            save it.
    """
    parser = OneLineParser(
        prog="python -m sdd dashboard",
        description="Saves a workspace to a W&B project: every measure of the curves against sparsity with mean and "
        "standard deviation over seeds, memorisation, distance, flatness, and the verdicts by noise rate. Each call "
        "saves a new view.",
    )
    parser.add_argument("place", metavar="ENTITY/PROJECT", help="account or team, and its project")
    parser.add_argument(
        "runs",
        nargs="*",
        type=path_argument,
        metavar="RUN",
        help="folders of runs, or that hold runs, whose measures have panels too; a measure of your own is known from "
        "them",
    )
    parser.add_argument("--name", default="Sparse double descent", help="of the view (default: %(default)s)")
    parser.add_argument("--dry_run", action="store_true", help="print the workspace as JSON; needs no account")
    chosen = parser.parse_intermixed_args(arguments)  # folders may stand after options
    found = _PLACE.fullmatch(chosen.place)
    if found is None:
        raise UserError(f"{chosen.place!r} is no place on W&B; give ENTITY/PROJECT, such as my-team/sdd")
    workspace = _workspace(found[1], found[2], chosen.name, chosen.runs)
    if chosen.dry_run:
        say(json.dumps(workspace._spec, indent=1))
        return 0
    say(_save(workspace, chosen.place))
    return 0


def _columns(folders: Sequence[Path]) -> dict[str, Column]:
    """Return the usual columns, and those that some runs have, by name."""
    if not folders:
        return usual_columns()
    loaded = read_runs(folders)
    if not loaded.runs and len(loaded.problems) == 1:
        raise UserError(f"there is no run among the folders given: {loaded.problems[0]}")
    for problem in loaded.problems:
        say(f"sdd: {problem}", error=True)
    if not loaded.runs:
        raise UserError("there is no run among the folders given; give folders of runs, such as runs/digits_mlp-*")
    return usual_columns() | merged(run.columns for run in loaded.runs)


def _workspace(entity: str, project: str, name: str, folders: Sequence[Path]) -> Any:
    try:
        from sdd.dashboard.workspace import make_workspace
    except ImportError as error:
        raise UserError(f"dashboard needs wandb-workspaces ({error}): pip install 'sdd[dashboard]'") from error
    if not name.strip():
        raise UserError("--name is empty; give the view a name, or leave it out")
    columns = _columns(folders)
    try:
        return make_workspace(entity, project, name, columns)
    except ValueError as error:
        raise UserError(f"--name {name!r} is not allowed: {one_line(str(error))}") from error


def _save(workspace: Any, place: str) -> str:
    """Save the workspace and return its address."""
    from wandb.errors import UsageError

    try:
        return str(workspace.save().url)
    except UsageError as error:
        raise UserError(f"cannot save to {place}: {one_line(str(error))}; --dry_run needs no account") from error
    except Exception as error:  # the client has no common class for what a server or the way to it can do
        raise UserError(
            f"W&B did not save to {place} ({type(error).__name__}: {one_line(str(error))}); see that the server can be "
            "reached, and that this account may write there"
        ) from error
