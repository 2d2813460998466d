"""`python -m sdd analyze RUN [RUN…]`: compare finished runs, as tables, numbers and figures."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sdd.analysis.analysis_text import (
    correlation_lines,
    label_lines,
    level_table,
    noise_lines,
    ticket_lines,
    turning_lines,
    verdict_lines,
)
from sdd.analysis.compare import analyse_group
from sdd.analysis.figures import draw_group, draw_loss_curves, draw_tickets, save
from sdd.analysis.grouping import Group, group_runs
from sdd.analysis.loss_curves import LossPoint, mean_loss_curves, nearest_levels, read_loss_curves
from sdd.analysis.one_shot import join_one_shot, part_levels
from sdd.analysis.phases import marking_levels
from sdd.analysis.reading import read_runs
from sdd.analysis.spectra import SpectrumPoint, mean_spectra, read_spectra, spectrum_figure
from sdd.analysis.summary import finite
from sdd.analysis.tickets import ticket_comparison
from sdd.console import OneLineParser, say
from sdd.errors import UserError
from sdd.files import check_folder, write_atomically
from sdd.measures.columns import Column
from sdd.places import path_argument
from sdd.runs.folder import RunFolder

Point = TypeVar("Point", LossPoint, SpectrumPoint)


def analyze(arguments: Sequence[str]) -> int:
    """Compare runs; see `--help`.

    Args:
        arguments: The command line after `analyze`.

    Returns:
        0, or 1 where some folder could not be used.

    Raises:
        UserError: No run is left.
    """
    parser = OneLineParser(
        prog="python -m sdd analyze",
        description="Groups runs that differ only in seed_everything, and gives for each group mean and spread per "
        "level, phases, depth and gain with intervals, the verdict, rank correlations of test accuracy with "
        "distance and flatness over all levels and within phases, and where the learning distance turns. Runs with "
        "pruning.masks_from are compared with the winning tickets of their masks; "
        "runs that each prune one dense network to one sparsity are joined to one curve.",
    )
    parser.add_argument(
        "runs", nargs="+", type=path_argument, metavar="RUN", help="folder of a run, or one that holds runs"
    )
    parser.add_argument(
        "--out", type=path_argument, default=Path("analysis"), help="folder to write to (default: analysis)"
    )
    parser.add_argument(
        "--levels", type=int, nargs="+", help="levels whose loss curves are drawn (default: dense, trough, peak, last)"
    )
    chosen = parser.parse_args(arguments)
    check_folder("--out", chosen.out)
    loaded = read_runs(chosen.runs)
    if not loaded.runs and len(loaded.problems) == 1:
        raise UserError(f"there is no run to analyse: {loaded.problems[0]}")
    for problem in loaded.problems:
        say(f"sdd: {problem}", error=True)
    if not loaded.runs:
        raise UserError("there is no run to analyse; give folders of runs, such as runs/digits_mlp-*")
    groups = group_runs(join_one_shot(loaded.runs))
    data_sets = sorted({str(group.settings.get("data.dataset")) for group in groups})
    if len(data_sets) > 1:
        say(f"Runs of different data sets ({', '.join(data_sets)}) are analysed apart, not compared.\n")
    analyses, written = [], list[Path]()
    for number, group in enumerate(groups):
        name = f"group-{number + 1}" if len(groups) > 1 else "group"
        analysis = analyse_group(group)
        analyses.append(analysis)
        say(f"== {name}: {group.label}, {len(group.runs)} run{'s' if len(group.runs) > 1 else ''}")
        for line in noise_lines(analysis):
            say(line)
        for lines in (
            [*level_table(analysis), *label_lines(analysis)],
            verdict_lines(analysis),
            [*correlation_lines(analysis), *turning_lines(analysis)],
        ):
            say("\n".join(lines) + "\n")
        for note in analysis["notes"]:
            say(f"note: {note}")
        written += _draw(group, analysis, chosen.out, name, chosen.levels)
    tickets = []
    for number, group in enumerate(groups):
        if group.shuffled:
            say(
                f"note: group-{number + 1} trains under shuffled masks, a control: it isn't paired with winning tickets"
            )
        if not group.reinitialised:
            continue
        comparison, reason = ticket_comparison(group, groups)
        if comparison is None:
            say(f"note: group-{number + 1} cannot be compared with winning tickets: {reason}")
            continue
        tickets.append(comparison)
        say("\n".join(ticket_lines(comparison)) + "\n")
        accuracy = Column.from_dict(analyses[number]["columns"]["test_acc"])
        written += draw_tickets(comparison, chosen.out / f"tickets-{number + 1}", accuracy)
    content = {"groups": analyses, "tickets": tickets, "left_out": list(loaded.problems)}
    report = chosen.out / "analysis.json"
    write_atomically(report, json.dumps(finite(content), indent=1) + "\n")
    for path in (report, *written):
        say(f"  {path}")
    return 1 if loaded.problems else 0


def _draw(group: Group, analysis: Mapping[str, Any], out: Path, name: str, levels: Sequence[int] | None) -> list[Path]:
    """Draw a group's figures, measures of a kind in one; what it has no measures for is left out."""
    by_section: dict[str, list[str]] = {}
    for measure in analysis["correlations"]:
        section = analysis["columns"].get(measure, {"section": "Distance"})["section"]
        by_section.setdefault(re.sub(r"\W+", "-", section.lower()), []).append(measure)
    written = list[Path]()
    for section, measures in by_section.items():
        written += draw_group(analysis, out / f"{name}-{section}", measures)
    wanted = _named_levels(analysis) if levels is None else dict.fromkeys(levels, "")
    curves = _tables(group, "loss curves", lambda folder: folder.loss_curves, read_loss_curves)
    names = _names_of(wanted, curves)
    written += draw_loss_curves(mean_loss_curves(curves, list(names)), out / f"{name}-loss-curves", names)
    densities = _tables(group, "spectra", lambda folder: folder.spectrum, read_spectra)
    names = _names_of(wanted, densities)
    if spectra := mean_spectra(densities, list(names)):
        written += save(spectrum_figure(spectra, names), out / f"{name}-spectrum")
    return written


def _names_of(wanted: Mapping[int, str], tables: Sequence[Sequence[LossPoint | SpectrumPoint]]) -> dict[int, str]:
    """Return the measured levels nearest to those wanted, each with what to call it."""
    measured = sorted({point.level for points in tables for point in points})
    names = {}
    for level, text in wanted.items():
        for nearest in nearest_levels([level], measured):
            names[nearest] = f"level {nearest}" if not text else text if nearest == level else f"near the {text}"
    return names


def _tables(
    group: Group, what: str, file_of: Callable[[RunFolder], Path], read: Callable[[Path], list[Point]]
) -> list[list[Point]]:
    """Return a table that each run has left, of those that have one; a damaged one is named and left out.

    Args:
        group: The runs.
        what: The table's content in words.
        file_of: Its place in a run's folder.
        read: Reads it, as points that know their level.
    """
    tables = []
    for run in group.runs:
        points: list[Point] = []
        for part, levels in part_levels(run):
            file = file_of(RunFolder(part.path))
            if not file.is_file():
                continue
            try:
                found = read(file)
            except UserError as error:
                say(f"note: {error}; its {what} are left out")
            else:
                points += [replace(point, level=levels[point.level]) for point in found if point.level in levels]
        if points:
            tables.append(points)
    return tables


def _named_levels(analysis: Mapping[str, Any]) -> dict[int, str]:
    """Return the levels of a group that mark its phases, with their names."""
    phases = analysis["phases"]
    levels: list[int] = phases["levels"]
    marks = marking_levels(phases["trough"], phases["peak"], len(levels))
    named = {levels[marks[name]]: name for name in ("last", "dense", "trough", "peak") if name in marks}
    return dict(sorted(named.items()))
