"""Runs as panels: which group is which line, which measure which panel; `plot` is the function for notebooks."""

import json
import math
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sdd.analysis.columns import merged
from sdd.analysis.comparable import comparable
from sdd.analysis.compare import complete_block, mean_phases, table
from sdd.analysis.dense_widths import join_along
from sdd.analysis.derived import with_derived
from sdd.analysis.grouping import LABEL_ORDER, Group, group_runs
from sdd.analysis.one_shot import join_one_shot
from sdd.analysis.panel_drawing import draw_panels
from sdd.analysis.panels import BANDS, Band, Line, Panel, XKind
from sdd.analysis.phases import Phases
from sdd.analysis.reading import Run, read_runs, why_none
from sdd.errors import UserError
from sdd.messages import did_you_mean
from sdd.runs.settings import SEED

_COLUMNS = {"weights": "remaining"}
"""What an axis shows, where that is not the column of its name."""

X_KINDS: tuple[XKind, ...] = ("remaining_fraction", "sparsity", "weights", "level")

_WORDS = {SEED: "seed", "pruning.retrain": "retraining", "data.dataset": "data set"}

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
Names = str | Sequence[str]


@dataclass(frozen=True)
class Plot:
    """What `draw_panels` needs. Attributes: panels, columns, ordered, legend_title: as there. notes: In words."""

    panels: tuple[Panel, ...]
    columns: int
    ordered: bool
    legend_title: str
    notes: tuple[str, ...]

    def draw(self, *, band: Band = "sd", title: str = "") -> Figure:
        """Return the figure."""
        return draw_panels(
            self.panels,
            columns=self.columns,
            ordered=self.ordered,
            legend_title=self.legend_title,
            band=band,
            title=title,
        )


def plot(
    runs: Paths,
    *,
    y: Names = "test_acc",
    by: Names = (),
    panels: Names = (),
    x: XKind = "remaining_fraction",
    band: Band = "sd",
    twin: bool = False,
    phases: bool = False,
    along: str = "",
    title: str = "",
) -> Figure:
    """Draw runs as lines with bands over seeds; `python -m sdd plot` for notebooks.

    Test accuracy and learning distance by noise rate, side by side::

        from sdd.analysis import plot

        figure = plot("runs/digits_noise_rates", y="test_acc+train_acc,distance", by="data.noise_rate")
        figure.savefig("figure.pdf")

    Args:
        runs: A folder of a run or one that holds runs, or several of them.
        y: Measures, as one text or a list: each has a panel; those joined by `+` share one.
        by: Settings that tell lines apart; none: whichever the runs differ in.
        panels: Settings whose values have panels side by side.
        x: `remaining_fraction`, `sparsity` (both logarithmic in what remains), `weights` (how many remain, so that
            networks of several sizes can be compared) or `level`.
        band: `sd`, `ci` or `none`.
        twin: Draw two entries of `y` into one panel, the second at the right axis.
        phases: Shade the phases of the mean curve; each panel must have one group.
        along: A setting in which dense networks differ, such as `model.net.init_args.widths`: they are the points of
            one line, over `weights`.
        title: Above the figure.

    Returns:
        A figure that belongs to no pyplot state; Jupyter shows it.

    Raises:
        UserError: There is no run, setting or measure of that name, or a line would average runs that differ in more
            than their seed. What is left out or unfinished is a UserWarning.
    """
    loaded = read_runs([runs] if isinstance(runs, str | os.PathLike) else list(runs))
    made = arrange(
        loaded.runs,
        y=names_in(y),
        by=names_in(by),
        panels=names_in(panels),
        x=x,
        band=band,
        twin=twin,
        phases=phases,
        along=along,
        problems=loaded.problems,
    )
    for note in (*loaded.problems, *made.notes):
        warnings.warn(note, UserWarning, stacklevel=2)
    return made.draw(band=band, title=title)


def names_in(text: Names) -> tuple[str, ...]:
    """Return names of a list, or of a text with commas between them."""
    parts = text.split(",") if isinstance(text, str) else text
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def arrange(
    runs: Sequence[Run],
    *,
    y: Sequence[str],
    by: Sequence[str] = (),
    panels: Sequence[str] = (),
    x: XKind = "remaining_fraction",
    band: Band = "sd",
    twin: bool = False,
    phases: bool = False,
    along: str = "",
    problems: Sequence[str] = (),
) -> Plot:
    """Return runs as panels of lines.

    Args:
        runs: As read together.
        y: As for `plot`.
        by: Likewise.
        panels: Likewise.
        x: Likewise.
        band: Only checked here; `Plot.draw` takes it.
        twin: As for `plot`.
        phases: Likewise.
        along: Likewise.
        problems: What was wrong with folders that could not be read, told where there is no run.

    Raises:
        UserError: As `plot`.
    """
    if not runs:
        raise UserError(f"there is no run to draw{why_none(problems)}")
    _check_choice("x", x, X_KINDS)
    _check_choice("band", band, BANDS)
    groups = _by_seed(group_runs(join_one_shot([with_derived(run) for run in runs])), SEED in (*by, *panels))
    if along:
        _check_settings((along,), groups)
        if x != "weights":
            raise UserError(f"along joins networks by how many weights they have: set x to weights, not {x}")
        groups = join_along(groups, along)
    notes = [f"{run.name} is {run.problem}; it is used as far as it goes" for run in runs if run.problem]
    notes += [
        f"{run.name} is left out: it repeats the settings and the seed of another run"
        for group in groups
        for run in group.repeated
    ]
    measures = [tuple(part.strip() for part in entry.split("+")) for entry in y]
    if not measures:
        raise UserError("y names no measure; give one or several, such as test_acc,distance")
    _check_measures([name for entry in measures for name in entry], groups)
    _check_settings((*by, *panels), groups)
    if twin and len(measures) != 2:
        raise UserError(
            f"twin takes two entries of y, for the left axis and for the right one; y has {len(measures)}: "
            f"{', '.join('+'.join(entry) for entry in measures)}"
        )
    told = [key for key in (*by, *panels) if len({_text(group.settings.get(key)) for group in groups}) == 1]
    notes += [f"all runs have {key}={_text(groups[0].settings.get(key))}: it tells no lines apart" for key in told]
    lines_by = tuple(by) or _differing(groups, panels)
    cells = _cells(groups, lines_by, panels)
    titles = list(dict.fromkeys(where for where, _ in cells))
    labels = list(dict.fromkeys(label for _, label in cells))
    drawn, more = _draw_cells(cells, titles, measures, x, twin=twin, phases=phases)
    ordered = len(lines_by) == 1 and len(labels) > 1 and all(_is_number(g.settings.get(lines_by[0])) for g in groups)
    across = len(titles) if len(titles) > 1 else 3
    legend_title = _word(lines_by[0]) if len(lines_by) == 1 else ""
    return Plot(drawn, min(across, 4), ordered, legend_title, tuple(dict.fromkeys([*notes, *more])))


def _draw_cells(
    cells: dict[tuple[str, str], Group],
    titles: Sequence[str],
    measures: Sequence[tuple[str, ...]],
    x: XKind,
    *,
    twin: bool,
    phases: bool,
) -> tuple[tuple[Panel, ...], list[str]]:
    """Return panels, one row of them a measure, and notes."""
    drawn, notes = [], list[str]()
    members: dict[tuple[str, str], list[Run]] = {}
    for cell, group in cells.items():
        members[cell], otherwise = comparable(group.runs)
        notes += [f"{difference}: left out of the mean" for difference in otherwise]
    notes += _measured_apart(members, {name for entry in measures for name in entry})
    sides = [(measures[0], measures[1])] if twin else [(entry, ()) for entry in measures]
    for left, right in sides:
        for title in titles:
            here = {label: runs for (where, label), runs in members.items() if where == title}
            made = [
                tuple(line for name in names for label, runs in here.items() if (line := _line(label, runs, name, x)))
                for names in (left, right)
            ]
            for name in (*left, *right):
                lacking = [label for label, runs in here.items() if not _line(label, runs, name, x)]
                notes += [
                    f"{name} was not measured by the runs of {label or title or 'the group'}" for label in lacking
                ]
            if not made[0]:
                continue
            panel = Panel(title, made[0], made[1], x)
            if phases:
                panel, note = _shaded(panel, here)
                notes += note
            drawn.append(panel)
    return tuple(drawn), notes


def _line(label: str, runs: Sequence[Run], name: str, x: XKind) -> Line | None:
    """Return the line of a group's measure over its levels; None where no run measured it."""
    levels = sorted({int(row["level"]) for run in runs for row in run.rows})
    values = table(runs, levels, name)
    some = np.asarray(np.isfinite(values).any(axis=0))
    if not some.any():
        return None
    levels = [level for level, here in zip(levels, some, strict=True) if here]
    places = np.nanmean(table(runs, levels, _COLUMNS.get(x, x)), axis=0)
    return Line.over_runs(label, places, values[:, some], merged(run.columns for run in runs)[name])


def _shaded(panel: Panel, here: dict[str, list[Run]]) -> tuple[Panel, list[str]]:
    """Return a panel with the phases of its group's mean curve, and why it has none where it has none."""
    if len(here) > 1:
        raise UserError(
            f"phases are those of one curve, but a panel would have {len(here)} groups; give one group, or set "
            "panels to the setting in which they differ"
        )
    (members,) = here.values()
    runs, levels = complete_block(members)
    sparsity = table(runs, levels, "sparsity").mean(axis=0)
    found: Phases = mean_phases(sparsity, table(runs, levels, "test_acc"))
    if not found.double_descent:
        return panel, [f"{panel.title or 'the mean curve'} shows no double descent: no phases are shaded"]
    places = table(runs, levels, _COLUMNS.get(panel.x, panel.x)).mean(axis=0)
    return replace(panel, phases=found, phase_x=places), []


def _cells(groups: Sequence[Group], by: Sequence[str], panels: Sequence[str]) -> dict[tuple[str, str], Group]:
    """Return the group of each panel and line, by title and label, in the order of the settings' values.

    Raises:
        UserError: A line would average runs that differ in another setting.
    """
    keys = (*panels, *by)
    ranks = [_ranks([group.settings.get(key) for group in groups]) for key in keys]
    order = sorted(range(len(groups)), key=lambda index: [rank[index] for rank in ranks])
    cells: dict[tuple[str, str], Group] = {}
    for group in (groups[index] for index in order):
        cell = (_label(group, panels, name_all=True), _label(group, by, name_all=len(by) > 1))
        if cell in cells:
            _refuse_average(cells[cell], group, keys)
        cells[cell] = group
    return cells


def _refuse_average(one: Group, other: Group, keys: Sequence[str]) -> None:
    names = sorted({*one.settings, *other.settings})
    differing = [key for key in names if _text(one.settings.get(key)) != _text(other.settings.get(key))]
    values = [
        f"{key} ({_text(one.settings.get(key))}, {_text(other.settings.get(key))})" for key in differing if key != SEED
    ]
    where = ", ".join(f"{key}={_text(one.settings.get(key))}" for key in keys)
    first = differing[0]
    raise UserError(
        f"runs with {where} differ in {', '.join(values)} too and are not averaged: name it as well "
        f"(--by {','.join([*keys, first])} or --panels {first}), or give fewer runs"
    )


def _check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UserError(f"{name} is {value!r}; allowed: {', '.join(allowed)}")


def _check_measures(names: Sequence[str], groups: Sequence[Group]) -> None:
    rows = [row for group in groups for run in group.runs for row in run.rows]
    known = [name for name in dict.fromkeys(name for row in rows for name in row) if name != "level"]
    measured = [name for name in known if any(math.isfinite(row.get(name, math.nan)) for row in rows)]
    shown = [name for name in measured if "/" not in name]
    for name in names:
        if name not in measured:
            what = f"no run measured {name}" if name in known else f"there is no measure {name!r}"
            raise UserError(f"{what}; there are: {', '.join(shown)}{did_you_mean(name, measured)}")


def _check_settings(names: Sequence[str], groups: Sequence[Group]) -> None:
    known = sorted({key for group in groups for key in group.settings} | {SEED})
    for name in names:
        if name not in known:
            differing = sorted({key for group in groups for key in group.differing})
            there_are = f"the runs differ in: {', '.join([*differing, SEED])}"
            raise UserError(f"no run has a setting {name!r}; {there_are}{did_you_mean(name, known)}")


def _by_seed(groups: Sequence[Group], split: bool) -> list[Group]:
    """Return the groups, or one group of each run where lines are to be told apart by the seed."""
    if not split:
        return list(groups)
    return [
        replace(group, runs=(run,), settings={**group.settings, SEED: run.seed}, repeated=group.repeated)
        for group in groups
        for run in group.runs
    ]


def _differing(groups: Sequence[Group], panels: Sequence[str]) -> tuple[str, ...]:
    """Return as few settings as tell apart the groups that a panel would put together."""
    chosen: list[str] = []
    keys = [key for key in dict.fromkeys(key for group in groups for key in group.differing) if key not in panels]

    def apart(names: Sequence[str]) -> int:
        return len({tuple(_text(group.settings.get(key)) for key in (*panels, *names)) for group in groups})

    for key in sorted(keys, key=lambda key: LABEL_ORDER.index(key) if key in LABEL_ORDER else len(LABEL_ORDER)):
        if apart([*chosen, key]) > apart(chosen):
            chosen.append(key)
    return tuple(chosen)


def _measured_apart(members: dict[tuple[str, str], list[Run]], names: set[str]) -> list[str]:
    """Tell which measures are drawn of groups that measured them with different settings."""
    notes = []
    for name in sorted(names):
        told = [(cell, merged(run.columns for run in runs).get(name)) for cell, runs in members.items()]
        having = [(cell, column) for cell, column in told if column is not None]
        for cell, column in having[1:]:
            if difference := having[0][1].measured_otherwise(column):
                setting, then, now = difference
                lines = " and ".join(" ".join(filter(None, one)) or "one line" for one in (having[0][0], cell))
                notes.append(f"{name} of {lines} was measured with different {setting}: {then} and {now}")
    return notes


def _label(group: Group, keys: Sequence[str], *, name_all: bool) -> str:
    """Return the values of settings as a legend or a title says them, with their names where asked for."""
    words = [(_word(key), _text(group.settings.get(key))) for key in keys]
    return ", ".join(f"{word} {value}" if name_all else value for word, value in words)


def _word(key: str) -> str:
    """Return a setting's name in words: its last part, such as `noise rate` of `data.noise_rate`."""
    if key in _WORDS:
        return _WORDS[key]
    parts = [part for part in key.split(".") if part not in ("class_path", "init_args")]
    return parts[-1].replace("_", " ")


def _text(value: Any) -> str:
    """Return a setting's value as a label shows it; of an import path, the last part."""
    if isinstance(value, str):
        return value.rpartition(".")[2] if value.startswith(("sdd.", "torch.")) else value
    return "none" if value is None else json.dumps(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ranks(values: Sequence[Any]) -> list[float]:
    """Return what to sort values by: numbers themselves, and places of first appearance where some are none."""
    if all(map(_is_number, values)):
        return [float(value) for value in values]
    texts = [_text(value) for value in values]
    return [float(texts.index(text)) for text in texts]
