"""The label noise of runs as it was drawn."""

from collections.abc import Sequence
from typing import Any

from sdd.analysis.reading import Run


def label_noise(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return how noisy the training labels of runs are.

    Args:
        runs: Of whatever settings.

    Returns:
        Once for all runs of the same labels: `runs`, their names; `wrong` of `examples` labels; `noise_rate`, a
        fraction; `transitions`, how many examples of each true class (row) have each label (column). Runs that were
        started before sdd recorded it are not among them.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for run in runs:
        if (labels := run.labels) is not None:
            noise = {name: getattr(labels, name) for name in ("wrong", "examples", "noise_rate", "transitions")}
            alike = found.setdefault((labels.true_labels, labels.labels), {"runs": [], **noise})
            alike["runs"].append(run.name)
    return list(found.values())
