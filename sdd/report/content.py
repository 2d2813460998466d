"""Everything that the page shows, as one dictionary that JSON can hold."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sdd.analysis.columns import merged
from sdd.analysis.compare import analyse_group
from sdd.analysis.grouping import LABEL_ORDER, Group, group_runs
from sdd.analysis.summary import finite
from sdd.analysis.tickets import ticket_comparison
from sdd.places import resolved
from sdd.report.columns import measured_differently, page_columns
from sdd.report.curves import read_curves
from sdd.report.folders import STATES, Folder
from sdd.report.run_entry import curve_entry, folder_entry, identity
from sdd.runs.settings import SEED, digest, same
from sdd.version import __version__

Json = dict[str, Any]


def report_content(folders: Sequence[Folder], *, title: str, made: str, out: Path, watch: float | None) -> Json:
    """Return what the page shows; every number is finite or None, and those of curves are those of `curve.csv`.

    Args:
        folders: As `read_folders` returns them.
        title: Of the page.
        made: When, in words.
        out: The file that the page is written to; links to folders start from there.
        watch: Seconds after which the page reads itself anew; None: never.

    Returns:
        `columns` that can be drawn; `groups` with what the analysis says of their seeds, whose means the page takes
        itself; `runs`, which are curves and all folders without one; `axes`, sparsities and remaining fractions, of
        which each curve names its own by its place there; `shared` settings of all of them, `differing` names of the
        others, and `named_by` those that labels of groups name; `tickets`, winning tickets against re-initialised
        networks; `environments` by their place in the list; `counts` of folders by state.
    """
    curves = read_curves(folders)
    by_path = {curve.run.path: curve for curve in curves}
    groups = group_runs([curve.run for curve in curves]) if curves else []
    columns = page_columns(merged(curve.run.columns for curve in curves))
    bare = [folder for folder in folders if folder.run is None]
    shared, differing = _compared([*(curve.run.settings for curve in curves), *(folder.settings for folder in bare)])
    ways = measured_differently([curve.run for curve in curves])
    measured = {curve.run.path: numbers for curve, numbers in zip(curves, ways, strict=True)}
    place = resolved(out.parent)
    entries = [
        curve_entry(by_path[run.path], columns, place)
        | {"group": group_id(group), "repeated": run in group.repeated, "measured": measured[run.path]}
        for group in groups
        for run in (*group.runs, *group.repeated)
    ]
    entries += [folder_entry(folder, place) for folder in bare]
    axes, environments = dict[str, int](), dict[str, int]()
    for entry in entries:
        if entry["level"]:
            entry["axis"] = axes.setdefault(json.dumps(finite(entry["axis"])), len(axes))
        texts = [json.dumps(environment, sort_keys=True) for environment in entry["environments"]]
        entry["environments"] = sorted({environments.setdefault(text, len(environments)) for text in texts})
        entry["configured"] = bool(entry["settings"])
        entry["settings"] = {key: value for key, value in entry["settings"].items() if key not in {*shared, SEED}}
    content: Json = finite(
        {
            "title": title,
            "made": made,
            "version": __version__,
            "watch": watch,
            "columns": columns,
            "axes": [json.loads(text) for text in axes],
            "groups": [group_entry(group) for group in groups],
            "runs": entries,
            "shared": shared,
            "differing": differing,
            "named_by": list(groups[0].named_by) if groups else [],
            "tickets": _tickets(groups),
            "environments": [json.loads(text) for text in environments],
            "counts": {state: sum(folder.state == state for folder in folders) for state in STATES},
        }
    )
    return content


def group_id(group: Group) -> str:
    """Return what names a group on the page; it stays the same while runs come to the group."""
    return digest(group.identity)


def group_entry(group: Group) -> Json:
    """Return what the analysis says of a group over its seeds.

    Args:
        group: Runs that differ only in their seed.
    """
    analysis = analyse_group(group)
    return {
        "id": group_id(group),
        "label": group.label,
        "differing": dict(group.differing),
        "runs": [identity(run) for run in group.runs],
        "repeated": [identity(run) for run in group.repeated],
        "phases": _phases(analysis["phases"]),
        "intervals": analysis["intervals"],
        "correlations": {
            name: {key: found["pooled"][key] for key in ("within", "seeds")}
            | {stretch: part["pooled"]["within"] for stretch, part in found["phases"].items()}
            for name, found in analysis["correlations"].items()
        },
        "turning_point": {key: found for key, found in analysis["turning_point"].items() if key != "per_seed"}
        | {"seeds": len(analysis["turning_point"]["per_seed"])},
        "single": sum(run["double_descent"] is True for run in analysis["runs"]),
        "notes": analysis["notes"],
    }


def _tickets(groups: Sequence[Group]) -> list[Json]:
    """Return each re-initialised group against its winning tickets, or why there is nothing to compare it with."""
    found = []
    for group in groups:
        if group.reinitialised:
            comparison, reason = ticket_comparison(group, groups)
            found.append({"group": group_id(group), "comparison": comparison, "reason": reason})
    return found


def _phases(phases: Mapping[str, Any]) -> Json:
    """Return the phases of a mean curve, trough and peak as levels."""
    levels = phases["levels"]
    return {
        "double_descent": phases["double_descent"],
        "reason": phases["reason"],
        "trough": None if phases["trough"] is None else levels[phases["trough"]],
        "peak": None if phases["peak"] is None else levels[phases["peak"]],
        "boundaries": phases["boundaries"],
    }


def _compared(known: Sequence[Mapping[str, Any]]) -> tuple[Json, list[str]]:
    """Return the settings that all runs share, and the names of those in which they differ, important ones first."""
    known = [settings for settings in known if settings]
    names = sorted({name for settings in known for name in settings} - {SEED})
    first = known[0] if known else {}
    shared = {
        name: first[name]
        for name in names
        if all(name in settings and same(settings[name], first.get(name)) for settings in known)
    }
    differing = [name for name in names if name not in shared]
    order = {name: rank for rank, name in enumerate(LABEL_ORDER)}
    return shared, sorted(differing, key=lambda name: (order.get(name, len(order)), name))
