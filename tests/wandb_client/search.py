"""What W&B's own engine, the package `sweeps`, decides of a search: its next run, and which runs end early."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sweeps
from sweeps import RunState, SweepRun

if TYPE_CHECKING:
    from tests.wandb_client.backend import Run

SEARCHES = ("bayes", "random")


def next_cell(config: Mapping[str, Any], runs: Sequence["Run"]) -> dict[str, Any] | None:
    """Return the values of the next run; None once there are as many runs as the sweep may have.

    Args:
        config: Of the sweep.
        runs: Its runs so far.
    """
    if len(runs) >= config.get("run_cap", float("inf")):
        return None
    suggested = sweeps.next_run(dict(config), [_as_engine_has_it(run) for run in runs])
    assert suggested is not None
    return {name: _plain(entry["value"]) for name, entry in suggested.config.items()}


def ended_early(config: Mapping[str, Any], runs: Sequence["Run"]) -> set[str]:
    """Return the names of those running that are to be stopped."""
    if "early_terminate" not in config:
        return set()
    return {run.name for run in sweeps.stop_runs(dict(config), [_as_engine_has_it(run) for run in runs])}


def _as_engine_has_it(run: "Run") -> SweepRun:
    config = {name: {"value": value} for name, value in run.cell.items()}
    state = RunState(run.state if run.state in {"running", "finished", "pending"} else "failed")
    # Names of its fields are those of the server's answers.
    return SweepRun(name=run.name, state=state, config=config, summaryMetrics=run.summary, sampledHistory=run.history)


def _plain(value: Any) -> Any:
    """Return a number of NumPy's as Python's, as JSON has it."""
    return value.item() if hasattr(value, "item") else value
