"""Entries of the page: of one curve, or of one folder that holds none."""

import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sdd.analysis.curve import column
from sdd.analysis.reading import Run
from sdd.places import resolved
from sdd.report.curves import Curve
from sdd.report.folders import Folder
from sdd.runs.data_record import PartRecord
from sdd.runs.settings import SEED, SPARSITIES

Json = dict[str, Any]

_LARGEST = 20  # classes of a transition matrix that is shown


def curve_entry(curve: Curve, columns: Sequence[Mapping[str, object]], place: Path) -> Json:
    """Return the page's entry of a curve.

    Args:
        curve: As `read_curves` returns it.
        columns: Those of the page.
        place: Folder that the page is written to.
    """
    run = curve.run
    path = run.path.parent if run.parts else run.path
    correlated = [str(one["name"]) for one in columns if one["correlated"]]
    rho = run.summary["spearman"]
    values = {str(one["name"]): column(run.rows, str(one["name"])) for one in columns}
    return {
        "id": identity(run),
        "name": run.name,
        "path": str(path),
        "href": link(path, place),
        "state": curve.state,
        "reason": curve.reason,
        "seed": run.seed,
        "settings": run.settings,
        "level": [row["level"] for row in run.rows],
        "axis": {name: column(run.rows, name) for name in ("sparsity", "remaining_fraction")},
        "values": {name: held for name, held in values.items() if any(map(math.isfinite, held))},
        "phases": _phases(run),
        "depth": run.phases.depth,
        "gain": run.phases.gain,
        "parts": [_part(folder, place) for folder in curve.parts],
        "spearman": {name: rho.get(name, {}).get("rho") for name in correlated},
        "phase_spearman": {
            name: {stretch: part["rho"] for stretch, part in run.summary["phase_spearman"].get(name, {}).items()}
            for name in correlated
        },
        "turning_point": run.summary["turning_point"],
        "seconds": sum(value for value in column(run.rows, "seconds") if math.isfinite(value)),
        "loss": curve.loss,
        "epochs": curve.epochs,
        "noise": None if run.labels is None else _noise(run.labels),
        "notes": list(curve.notes),
        "environments": list(curve.environments),
    }


def folder_entry(folder: Folder, place: Path) -> Json:
    """Return the page's entry of a folder without a curve."""
    seed = folder.settings.get(SEED)
    return {
        "id": _digest(str(folder.path)),
        "name": folder.path.name or str(folder.path),
        "path": str(folder.path),
        "href": link(folder.path, place) if folder.path.exists() else None,
        "state": folder.state,
        "reason": folder.reason,
        "seed": seed if isinstance(seed, int) else None,
        "settings": folder.settings,
        "group": None,
        "level": [],
        "environments": [],
        "notes": [],
        "parts": [],
    }


def identity(run: Run) -> str:
    """Return eight hex digits that name a run's curve on the page, the same each time the page is written."""
    return _digest(str(run.path))


def link(path: Path, place: Path) -> str | None:
    """Return the address of a folder as seen from another one; None on another drive, from which there is none."""
    try:
        return quote(Path(os.path.relpath(resolved(path), place)).as_posix()) + "/"
    except ValueError:
        return None


def _noise(labels: PartRecord) -> Json:
    """Return label noise as drawn, without a matrix that is too large to be looked at."""
    matrix = labels.transitions if len(labels.transitions) <= _LARGEST else None
    return {
        "wrong": labels.wrong,
        "examples": labels.examples,
        "noise_rate": labels.noise_rate,
        "transitions": matrix,
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]


def _phases(run: Run) -> Json:
    """Return the phases, trough and peak as levels."""
    phases, boundaries = run.phases, run.phases.boundaries
    places = {"trough": phases.trough, "peak": phases.peak}
    levels = {name: None if index is None else run.rows[index]["level"] for name, index in places.items()}
    return {
        "double_descent": phases.double_descent,
        "reason": phases.reason,
        "boundaries": None if boundaries is None else dict(vars(boundaries)),
    } | levels


def _part(folder: Folder, place: Path) -> Json:
    sparsities = folder.settings.get(SPARSITIES)
    return {
        "name": folder.path.name,
        "href": link(folder.path, place),
        "state": folder.state,
        "reason": folder.reason,
        "sparsity": sparsities[0] if isinstance(sparsities, list) and sparsities else None,
    }
