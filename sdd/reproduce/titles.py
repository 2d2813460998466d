"""Titles of figures, which name what was really trained: a scale's stand-ins, not the paper's data and networks."""

from dataclasses import replace

from sdd.reproduce.experiments import TASKS
from sdd.reproduce.figures import TASK_NAMES, Figure, Plot
from sdd.reproduce.scales import Scale


def subtitle(figure: Figure, scale: Scale) -> str:
    """Return what stands above a figure: its number and content, and at which scale it was made.

    Args:
        figure: Which.
        scale: At which.
    """
    tasks = dict.fromkeys(plot.experiment.task for plot in figure.plots)
    about = f"Figure {figure.name} of He et al. 2022: {figure.about}"
    if scale.name == "paper":
        return about
    names = "; ".join(dict.fromkeys(name for task in TASKS if task in tasks for name in [task_title(task, scale)]))
    return f"{about}\nscale {scale.name}: {names}"


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
    return plot
