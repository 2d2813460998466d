"""A cell of a sweep as a run: its command, its folder, and how far it has come."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sdd.errors import UserError
from sdd.messages import one_line
from sdd.places import names_itself
from sdd.runs.folder import RunFolder, StateName
from sdd.runs.settings import Settings
from sdd.runs.verdict import verdict_words
from sdd.sweep.stored_plans import Planner, parsed
from sdd.sweep.sweep_file import Cell
from sdd.tracking.wandb_run import cell_name


@dataclass(frozen=True, eq=False)
class PlannedRun:
    """A run of a sweep.

    Attributes:
        label: The swept values, such as noise_rate=0.2,seed_everything=0.
        arguments: After `python -m sdd`.
        path: The run's folder, absolute.
        settings: What the run is told by.
        levels: How many levels it trains, the dense one included.
    """

    label: str
    arguments: tuple[str, ...]
    path: Path
    settings: Settings
    levels: int

    @property
    def log(self) -> Path:
        """What the run's processes have printed; beside its folder, which must be empty at the start."""
        return self.path.parent / "logs" / f"{self.path.name}.log"

    @property
    def claim(self) -> Path:
        """The file that a sweep locks while it has the run in work."""
        return self.path.parent / ".claims" / self.path.name

    @property
    def heartbeat(self) -> Path:
        """What the run's process says of itself while it is at work."""
        return self.path.parent / ".heartbeats" / self.path.name

    def state(self) -> StateName:
        """Look how far the run has come.

        Raises:
            UserError: Its folder holds something else, or cannot be read.
        """
        folder = RunFolder(self.path)
        with _reading(self.path):
            folder.check_settings(self.settings)
            return folder.state().name

    def levels_done(self) -> int:
        """Count the levels in its curve; 0 where that cannot be read."""
        try:
            return min(RunFolder(self.path).levels_done(), self.levels)
        except (UserError, OSError):
            return 0

    def verdict(self) -> str:
        """Return what a finished run has found, in a few words."""
        return verdict_words(RunFolder(relative(self.path)))


@dataclass(frozen=True)
class Invalid:
    """A cell that no run can be made of. Attributes: label: Its values. arguments: As given. reason: One line."""

    label: str
    arguments: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Repeated:
    """A cell with the settings of another one. Attributes: label: Its values. of: That cell's label."""

    label: str
    of: str


def plan_runs(cells: Iterable[Cell], base: Path, plan: Planner = parsed) -> Iterator[PlannedRun | Invalid | Repeated]:
    """Check each cell, and find the folder of its run.

    Args:
        cells: Of a sweep file.
        base: Folder for the runs.
        plan: Reads a command line.
    """
    seen: dict[Path, str] = {}
    for cell in cells:
        label = cell_name(cell.values) or "the only cell"
        silent = () if cell.logs else ("--trainer.logger=false",)
        try:
            planned = plan([*cell.arguments, *silent])
        except UserError as error:
            yield Invalid(label, cell.arguments, str(error))
            continue
        path = planned.run_dir(base.absolute())
        if path in seen:
            yield Repeated(label, seen[path])
            continue
        seen[path] = label
        run = PlannedRun(label, cell.arguments, path, planned.settings, planned.levels)
        ours = (*silent, f"--run_dir={relative(path)}", "--progress.show=none", "--wait=true")
        heard = f"--progress.heartbeat={relative(run.heartbeat)}"
        yield replace(run, arguments=(*cell.arguments, *ours, heard))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Tell in one line whatever makes a run's folder unreadable: it is that run's failure, not the sweep's.

    Raises:
        UserError: Something was raised.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        why = error.strerror if isinstance(error, OSError) else one_line(str(error))
        raise UserError(f"{relative(path)} cannot be read: {why or type(error).__name__}") from error


def relative(path: Path) -> Path:
    """Return a path as seen from the working directory, where it is within and can be named so."""
    if not path.is_relative_to(Path.cwd()):
        return path
    within = path.relative_to(Path.cwd())
    return within if names_itself(within) else path
