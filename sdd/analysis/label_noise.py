"""The label noise of runs as it was drawn, read from their folders."""

from collections.abc import Sequence
from typing import Any

from sdd.analysis.reading import Run
from sdd.errors import UserError
from sdd.runs.folder import RunFolder


def label_noise(runs: Sequence[Run]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return how noisy the training labels of runs are.

    Args:
        runs: Of whatever settings; of a joined curve its first part stands for all.

    Returns:
        Once for all runs of the same labels: `runs`, their names; `wrong` of `examples` labels; `noise_rate`, a
        fraction; `transitions`, how many examples of each true class (row) have each label (column). And what cannot
        be read, in words. Runs that were started before sdd recorded it are in neither.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    problems = []
    for run in runs:
        try:
            record = RunFolder((run.parts or (run,))[0].path).data_record()
        except UserError as error:
            problems.append(str(error))
            continue
        if record is None or "train" not in record.parts:
            continue
        part = record.parts["train"]
        same = found.setdefault(
            (part.true_labels, part.labels),
            {
                "runs": [],
                "wrong": part.wrong,
                "examples": part.examples,
                "noise_rate": part.noise_rate,
                "transitions": part.transitions,
            },
        )
        same["runs"].append(run.name)
    return list(found.values()), problems
