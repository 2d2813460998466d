"""A figure of the paper drawn from its runs, with the table of its numbers."""

from collections.abc import Sequence
from pathlib import Path

from sdd.analysis.panel_drawing import draw_panels, write_panels
from sdd.errors import UserError
from sdd.reproduce.content import content_of
from sdd.reproduce.experiments import Experiment
from sdd.reproduce.figures import Figure
from sdd.reproduce.runs import Override, PlannedRuns
from sdd.reproduce.scales import Scale
from sdd.reproduce.seeds import Seeds, read_seeds
from sdd.reproduce.titles import shown, subtitle


def draw_figure(
    figure: Figure, planned: PlannedRuns, scale: Scale, out: Path, overrides: Sequence[Override] = ()
) -> tuple[list[Path], list[str]]:
    """Draw a figure as PDF and PNG, and write its numbers beside them.

    Args:
        figure: Which.
        planned: Its runs, trained as far as they are.
        scale: At which they were.
        out: Folder for the files.
        overrides: Settings of the user's own, for the title.

    Returns:
        The files written, and what the figure had to do without, in words.

    Raises:
        UserError: An experiment has no run with a level, or its runs lack what the figure shows.
        OSError: A file could not be written.
    """
    found: dict[Experiment, Seeds] = {}

    def read(experiment: Experiment) -> Seeds:
        if experiment not in found:
            found[experiment] = read_seeds(planned.by_experiment.get(experiment, ()))
        seeds = found[experiment]
        if not seeds.runs:
            raise UserError(seeds.lacks[0] if seeds.lacks else "no run of it could be made")
        return seeds

    content = content_of(shown(figure, scale), read)
    drawn = draw_panels(
        content.panels,
        columns=content.columns,
        ordered=content.ordered,
        over=content.over,
        title=subtitle(figure, scale, overrides),
    )
    files = [out / f"figure-{figure.name}.{form}" for form in ("pdf", "png")]
    out.mkdir(parents=True, exist_ok=True)
    written = dict.fromkeys(path for file in files for path in write_panels(content.panels, drawn, file))
    lacks = [line for experiment in figure.experiments for line in found.get(experiment, Seeds((), ())).lacks]
    return list(written), lacks
