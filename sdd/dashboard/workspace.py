"""The W&B workspace: sections of panels."""

from collections.abc import Mapping, Sequence
from typing import Any

import wandb_workspaces.reports.v2.interface as wr
import wandb_workspaces.workspaces as ws

from sdd.dashboard import panels
from sdd.measures.columns import REMAINING_FRACTION, Column

_MOST = 100  # lines of a panel; W&B's default of 10 would hide most of a sweep
_GROUP = "Group"
_SPREAD: dict[str, Any] = {"groupby_aggfunc": "mean", "groupby_rangefunc": "stddev"}


def make_workspace(entity: str, project: str, name: str, columns: Mapping[str, Column]) -> ws.Workspace:
    """Return the workspace, not saved.

    Args:
        entity: Account or team.
        project: Of the entity.
        name: The view's, as its list shows it.
        columns: Those of the runs, by name.
    """
    correlations = panels.correlations(columns)
    sections = [
        ws.Section(name=title, panels=[_line(column) for column in drawn], is_open=True)
        for title, drawn in panels.sections(columns.values()).items()
    ]
    sections[0].panels = [*sections[0].panels, wr.MediaBrowser(media_keys=[panels.PICTURE], gallery_axis="run")]
    epochs: list[Any] = [_line(column, panels.EPOCH_AXIS) for column in panels.epoch_columns()]
    sections.append(ws.Section(name=panels.EPOCHS, panels=epochs, is_open=False))
    sections.append(ws.Section(name="Verdicts", panels=_verdicts(correlations), is_open=True))
    return ws.Workspace(
        entity=entity,
        project=project,
        name=name,
        sections=sections,
        settings=ws.WorkspaceSettings(
            x_axis=panels.AXIS,
            max_runs=_MOST,
            # Bucketing would average the levels above 99.9 % into one: its buckets are a thousandth of the axis wide.
            point_visualization_method="downsampling",
        ),
        runset_settings=ws.RunsetSettings(
            groupby=[ws.Metric(_GROUP)],
            pinned_columns=[
                *(_config_column(key) for key in panels.SETTINGS),
                *(f"summary:{key}" for key in (*panels.VERDICTS, *correlations)),
            ],
        ),
    )


def _line(measure: Column, x: str = panels.AXIS) -> wr.LinePlot:
    """Return a measure against what remains, or x: mean over the seeds of each group, with standard deviation."""
    return wr.LinePlot(
        title=measure.label if measure.fraction else measure.title,  # W&B does not write percent
        x=x,
        log_x=x == panels.AXIS,
        title_x=f"{REMAINING_FRACTION.label} (fraction)" if x == panels.AXIS else "optimizer steps",
        y=[measure.name],
        groupby=_GROUP,
        max_runs_to_show=_MOST,
        **_SPREAD,
    )


def _verdicts(correlations: Sequence[str]) -> list[Any]:
    """Return panels of what describes whole curves, such as depth: by noise rate, against each other and settings."""
    rate = wr.Config(panels.NOISE_RATE)
    bars = [
        wr.BarPlot(title=f"{key} by noise rate", metrics=[key], orientation="v", groupby=rate, **_SPREAD)
        for key in ("depth", "gain")
    ]
    scatters = [wr.ScatterPlot(title=key, x=rate, y=wr.SummaryMetric(key)) for key in correlations]
    columns: list[Any] = [rate, *map(wr.SummaryMetric, (*panels.VERDICTS[1:], *correlations[:1]))]
    return [
        wr.ScatterPlot(title="depth and gain", x=wr.SummaryMetric("depth"), y=wr.SummaryMetric("gain"), z=rate),
        *bars,
        wr.ParallelCoordinatesPlot(columns=[wr.ParallelCoordinatesPlotColumn(metric=column) for column in columns]),
        *scatters,
        wr.RunComparer(diff_only="split"),
    ]


def _config_column(key: str) -> str:
    """Return what W&B calls the column of a setting: its configuration is nested, each first part holds a `value`."""
    first, *rest = key.split(".")
    return f"config:{'.'.join([first, 'value', *rest])}"
