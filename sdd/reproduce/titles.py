"""Titles of figures, which name what was really trained: a scale's stand-ins, not the paper's data and networks."""

from collections.abc import Sequence
from dataclasses import replace

from sdd.reproduce.experiments import TASKS
from sdd.reproduce.figures import TASK_NAMES, Figure, Plot
from sdd.reproduce.runs import Override
from sdd.reproduce.scales import Scale

_PLACES = {"data.root", "threads", "trainer.accelerator", "trainer.devices", "trainer.strategy"}


def subtitle(figure: Figure, scale: Scale, overrides: Sequence[Override] = ()) -> str:
    """Return what stands above a figure: its number and content, at which scale it was made, and with what changed.

    Args:
        figure: Which.
        scale: At which.
        overrides: Settings of the user's own; those that only say where files are are left out.
    """
    tasks = dict.fromkeys(plot.experiment.task for plot in figure.plots)
    about = f"Figure {figure.name} of He et al. 2022: {figure.about}"
    names = "; ".join(dict.fromkeys(task_title(task, scale) for task in TASKS if task in tasks))
    lines = [about] if scale.name == "paper" else [about, f"scale {scale.name}: {names}"]
    given = {over.name: over.value for over in overrides if over.task in (None, *tasks) and over.name not in _PLACES}
    if given:
        lines.append(f"with {', '.join(f'{name} {value}' for name, value in given.items())}")
    return "\n".join(lines)


def shown(figure: Figure, scale: Scale) -> Figure:
    """Return a figure whose panels' titles name what stands in for the paper's data and networks.

    Args:
        figure: As the paper has it.
        scale: At which it is made.
    """
    return replace(figure, plots=tuple(_shown(plot, scale) for plot in figure.plots))


def task_title(task: str, scale: Scale) -> str:
    """Return what a task is called at a scale."""
    return scale.tasks[task].title or TASK_NAMES[task]


def _shown(plot: Plot, scale: Scale) -> Plot:
    task = plot.experiment.task
    title, paper = task_title(task, scale), TASK_NAMES[task]
    if title == paper:
        return plot
    if plot.title == paper:
        return replace(plot, title=f"{title}\n(for {paper})")
    named_data = plot.title.startswith(f"{paper.partition(',')[0]},")
    return replace(plot, title=f"for {plot.title}") if named_data else plot
