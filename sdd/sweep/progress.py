"""What a sweep shows: a line when a run starts and ends, and one bar over all levels with the time left."""

import sys
import time
from collections.abc import Iterable
from datetime import timedelta

from tqdm import tqdm

from sdd.sweep.planned_run import PlannedRun

_LINE_SECONDS = 60.0


class SweepProgress:
    """Progress over the levels of all runs, on standard error; lines about runs go to standard output.

    Args:
        runs: All that are to be done.
    """

    def __init__(self, runs: Iterable[PlannedRun]) -> None:
        self._done = {run: run.levels_done() for run in runs}
        self._ends: dict[PlannedRun, int] = {}
        self._first = sum(self._done.values())
        self._started = self._said = time.monotonic()
        on_terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=self._total,
            initial=self._first,
            unit="level",
            smoothing=0,
            dynamic_ncols=True,
            leave=False,
            disable=not on_terminal,
        )
        self._lines = not on_terminal

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

    def refresh(self, running: Iterable[PlannedRun]) -> None:
        """Look how far the runs have come.

        Args:
            running: Those at work.
        """
        for run in running:
            self._done[run] = run.levels_done()
        done = sum(self._done.values())
        ended = f"{len(self._ends)} of {len(self._done)} runs"
        self._bar.total = self._total
        self._bar.update(done - self._bar.n)
        self._bar.set_postfix_str(ended)  # draws the bar, so that the time goes on
        now = time.monotonic()
        if self._lines and now - self._said >= _LINE_SECONDS and done > self._first:
            self._said = now
            left = timedelta(seconds=round((self._total - done) * (now - self._started) / (done - self._first)))
            sys.stderr.write(f"{done / self._total:.1%} done, {ended}, {left} left\n")
            sys.stderr.flush()

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()
