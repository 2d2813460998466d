"""Whether a run arrived on the server as its folder has it."""

import json
from pathlib import Path
from typing import Any

from sdd.analysis.curve import read_curve
from tests.wandb_client.backend import Run


def check_arrived(run: Run, folder: Path, *, table: bool = True) -> None:
    """Compare a finished run's history, axes, picture, table and summary with its folder, without any tolerance.

    Args:
        run: As the server has it.
        folder: The run's own.
        table: Whether the table of levels arrived, which W&B cannot send later.
    """
    assert (run.state, run.exitcode) == ("finished", 0)
    check_history(run, folder)
    verdict = json.loads((folder / "summary.json").read_text())
    for name in ("double_descent", "reason", "gain", "trough", "peak", "boundaries"):
        assert run.summary.get(name) == verdict[name], name
    assert run.summary["depth"] == (verdict["depth"] or 0.0)
    rows = read_curve(folder / "curve.csv")
    best = max(row.get("best_test_acc", row["test_acc"]) for row in rows)
    assert run.summary["best_test_acc"] == best
    assert _plain({name: run.summary[name] for name in rows[-1]}) == _plain(rows[-1])
    assert run.media("images/curve")[-1] == (folder / "curve.png").read_bytes()
    if table:
        content = json.loads(run.media("table/levels")[-1])
        shown = [dict(zip(content["columns"], cells, strict=True)) for cells in content["data"]]
        whole = [{name: row.get(name) for name in content["columns"]} for row in rows]
        assert [_plain(row) for row in shown] == [_plain(row) for row in whole]


def check_history(run: Run, folder: Path) -> None:
    """Compare the rows of levels, and the axis of each of their metrics."""
    rows = read_curve(folder / "curve.csv")
    names = [name for name in (*rows[0], "best_test_acc", "depth") if name not in ("sparsity", "remaining_fraction")]
    arrived = [{name: row.get(name) for name in level} for row, level in zip(run.levels, rows, strict=True)]
    assert [_plain(row) for row in arrived] == [_plain(row) for row in rows]
    assert {name: run.step_metrics.get(name) for name in names} == dict.fromkeys(names, "remaining_fraction")
    for row, level in zip(run.levels, rows, strict=True):
        assert row["best_test_acc"] == level.get("best_test_acc", level["test_acc"])
        assert row["depth"] >= 0


def folder_of(run: Run, runs: Path) -> Path:
    """Find the one run folder whose settings are those that the sweep gave the run."""
    found = [
        path.parent
        for path in runs.glob("*/settings.json")
        if run.cell.items() <= json.loads(path.read_text())["values"].items()
    ]
    assert len(found) == 1, found
    return found[0]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Make NaN equal to itself; in a table W&B writes null for it."""
    return {name: None if value != value or value == "NaN" else value for name, value in row.items()}
