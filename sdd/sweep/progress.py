"""What a sweep shows: a line when a run starts and ends, and one bar over all levels with the time left."""

import sys
from collections.abc import Iterable, Mapping

from tqdm import tqdm

from sdd.console import Progress, say
from sdd.sweep.planned_run import PlannedRun


class SweepProgress:
    """Progress over the levels of all runs, on standard error; lines about runs go to standard output.

    Args:
        runs: All that are to be done.
    """

    def __init__(self, runs: Iterable[PlannedRun]) -> None:
        self._done = {run: run.levels_done() for run in runs}
        self._ends: dict[PlannedRun, int] = {}
        self._progress = Progress(self._total, sum(self._done.values()), "level", smoothing=0)

    @property
    def _total(self) -> int:
        return sum(self._ends.get(run, run.levels) for run in self._done)

    def say(self, word: str, run: PlannedRun, rest: str = "") -> None:
        """Print a line about a run."""
        tqdm.write(f"{word:<8}  {run.label}{rest and f'  {rest}'}")
        sys.stdout.flush()

    def end(self, run: PlannedRun) -> None:
        """Expect no further level of a run."""
        self._done[run] = self._ends[run] = run.levels_done()

    def refresh(self, running: Mapping[PlannedRun, str]) -> None:
        """Look how far the runs have come.

        Args:
            running: Those at work, and what each does.
        """
        for run in running:
            self._done[run] = run.levels_done()
        ended = f"{len(self._ends)} of {len(self._done)} runs"
        said = self._progress.move_to(sum(self._done.values()), ended, self._total)
        if said:
            for run, words in running.items():
                say(f"  {run.label}: {words}", error=True)
        self._progress.redraw("; ".join([ended, *(f"{run.label}: {words}" for run, words in running.items())]))

    def close(self) -> None:
        """Remove the bar."""
        self._progress.close()
