"""What is read of each curve: one record, whether its run lies in one folder or is joined of several."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sdd.analysis.one_shot import join_one_shot
from sdd.analysis.reading import Run
from sdd.report.epochs import numbers_each, read_epochs
from sdd.report.folders import STATES, Folder
from sdd.report.loss import loss_curves
from sdd.runs.folder import StateName


@dataclass(frozen=True)
class Curve:
    """A curve and all that the page says of it.

    Attributes:
        run: A run, or a curve joined of several.
        state: Damaged if a part is, unfinished if a part is or a sparsity is lacking.
        reason: What is lacking, in words; None for a whole one.
        parts: The folders that it is joined of, by sparsity; none for a run of one folder.
        loss: Its loss curves, as `loss_curves` gives them.
        epochs: What was measured within its levels, as `read_epochs` gives it.
        notes: What of its folders cannot be read although it can be used, and what went wrong in its levels.
        environments: What its folders' runs were started with.
    """

    run: Run
    state: StateName
    reason: str | None
    parts: tuple[Folder, ...] = ()
    loss: dict[str, Any] | None = None
    epochs: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    environments: tuple[Any, ...] = field(default=())


def read_curves(folders: Sequence[Folder]) -> list[Curve]:
    """Return the curves that some folders hold; those of one sparsity each are joined.

    Args:
        folders: As `read_folders` returns them.
    """
    by_path = {folder.run.path: folder for folder in folders if folder.run is not None}
    runs = join_one_shot([folder.run for folder in folders if folder.run is not None])
    numbers = numbers_each(runs)
    return [_curve(run, [by_path[part.path] for part in run.parts or (run,)], numbers) for run in runs]


def _curve(run: Run, folders: Sequence[Folder], numbers: int) -> Curve:
    loss, loss_problems = loss_curves(run)
    epochs, epoch_problems = read_epochs(run, numbers)
    worst = max((folder.state for folder in folders), key=STATES.index)
    return Curve(
        run,
        "unfinished" if worst == "finished" and not run.finished else worst,
        _reason(run, folders) if run.parts else folders[0].reason,
        tuple(folders) if run.parts else (),
        loss,
        epochs,
        (*loss_problems, *epoch_problems, *(note for folder in folders for note in folder.notes), *run.notes),
        tuple(folder.environment for folder in folders if folder.environment is not None),
    )


def _reason(run: Run, parts: Sequence[Folder]) -> str | None:
    damaged = [f"{folder.path.name}: {folder.reason}" for folder in parts if folder.state == "damaged"]
    return "; ".join([*([run.problem] if run.problem else []), *damaged]) or None
