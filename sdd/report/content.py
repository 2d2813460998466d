"""Everything that the page shows, as one dictionary that JSON can hold."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sdd.analysis.columns import merged
from sdd.analysis.compare import analyse_group
from sdd.analysis.grouping import LABEL_ORDER, Group, group_runs
from sdd.analysis.one_shot import join_one_shot
from sdd.analysis.summary import finite
from sdd.places import resolved
from sdd.report.columns import page_columns
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
        `columns` that can be drawn; `groups` with mean, standard deviation and count over seeds, phases and
        intervals; `runs`, which are curves and all folders without one; `sparsities`, of which each group and run
        names its own by its place there; `shared` settings of all of them,
        `differing` names of the others; `environments` by their place in the list; `counts` of folders by state.
    """
    by_path = {folder.run.path: folder for folder in folders if folder.run is not None}
    curves = join_one_shot([folder.run for folder in folders if folder.run is not None])
    groups = group_runs(curves) if curves else []
    columns = page_columns(merged(run.columns for run in curves))
    names = [str(column["name"]) for column in columns]
    bare = [folder for folder in folders if folder.run is None]
    shared, differing = _compared([*(run.settings for run in curves), *(folder.settings for folder in bare)])
    place = resolved(out.parent)
    entries, grouped = [], []
    for group in groups:
        grouped.append(group_entry(group, names))
        about = {"group": grouped[-1]["id"]}
        for run in (*group.runs, *group.repeated):
            parts = [by_path[part.path] for part in run.parts or (run,)]
            entries.append(curve_entry(run, parts, columns, place) | about | {"repeated": run in group.repeated})
    entries += [folder_entry(folder, place) for folder in bare]
    sparsities, environments = dict[str, int](), dict[str, int]()
    for one in (*grouped, *(entry for entry in entries if entry["level"])):
        one["sparsity"] = sparsities.setdefault(json.dumps(one["sparsity"]), len(sparsities))
    for entry in entries:
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
            "sparsities": [json.loads(text) for text in sparsities],
            "groups": grouped,
            "runs": entries,
            "shared": shared,
            "differing": differing,
            "environments": [json.loads(text) for text in environments],
            "counts": {state: sum(folder.state == state for folder in folders) for state in STATES},
        }
    )
    return content


def group_entry(group: Group, names: Sequence[str]) -> Json:
    """Return a group's statistics over its seeds.

    `values` of a group of one run are those of the run: they are left out.

    Args:
        group: Runs that differ only in their seed.
        names: The columns wanted.
    """
    analysis = analyse_group(group)
    levels, phases = analysis["levels"], analysis["phases"]
    values = {}
    for name in names if len(group.runs) > 1 else ():
        cells = [line.get(name) or {"mean": None, "sd": None, "n": 0} for line in levels]
        if any(cell["n"] for cell in cells):
            values[name] = {part: [cell[part] for cell in cells] for part in ("mean", "sd", "n")}
    return {
        "id": digest(group.identity),  # stays the same while runs come to the group
        "label": group.label,
        "differing": dict(group.differing),
        "runs": [identity(run) for run in group.runs],
        "repeated": [identity(run) for run in group.repeated],
        "level": [line["level"] for line in levels],
        "sparsity": [line["sparsity"] for line in levels],
        "n": [line["n"] for line in levels],
        "values": values,
        "phases": _phases(phases),
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
