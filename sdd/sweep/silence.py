"""Whether a run of a sweep gives signs of life: its heartbeat, or what it prints."""

import re
import time
from datetime import timedelta

from sdd.durations import time_with_colons
from sdd.errors import UserError
from sdd.runs.heartbeat import Beat, last_beat
from sdd.sweep.fit_process import log_size
from sdd.sweep.planned_run import PlannedRun

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Watch:
    """What is known of a run at work. Its clock is this process's own, whichever machine the run is on.

    Args:
        run: The run.

    Attributes:
        doing: What it does, in words; empty where it has not said.
        since: When it began to give signs of life; None: it has not yet, as it waits for room.
    """

    def __init__(self, run: PlannedRun) -> None:
        self.run, self.doing = run, ""
        self.since: float | None = None
        self._last = 0.0
        self._seen = self._signs()

    def look(self) -> None:
        """Look for signs of life."""
        signs = self._signs()
        if signs == self._seen:
            return
        beat, self._seen, self._last = signs[0], signs, time.monotonic()
        if self.since is None:
            self.since = self._last
        if beat is not None:
            self.doing = beat.words

    @property
    def silence(self) -> float:
        """Seconds since the last sign of life; 0 where there has been none, as it waits for room."""
        return 0.0 if self.since is None else time.monotonic() - self._last

    def words(self) -> str:
        """Say what it does, for how long it has been at work, and when it was last heard of."""
        if self.since is None:
            return "not yet started"
        at_work, silent = (
            timedelta(seconds=round(seconds)) for seconds in (time.monotonic() - self.since, self.silence)
        )
        return f"{self.doing or 'starting'}, at work for {at_work}, last heard of {silent} ago"

    def _signs(self) -> tuple[Beat | None, int]:
        return last_beat(self.run.heartbeat), log_size(self.run.log)


def timeout_of(text: str) -> timedelta:
    """Return the time that `--timeout` says.

    Args:
        text: A number and its unit, such as 90s, 30m, 2h or 1d, or DD:HH:MM:SS.

    Raises:
        UserError: It is neither, or no time at all.
    """
    short = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    try:
        found = time_with_colons(text) if short is None else timedelta(**{_UNITS[short[2]]: float(short[1])})
    except OverflowError:
        found = None
    if found is None or found <= timedelta(0):
        raise UserError(f"--timeout is {text}; it must be a time above 0, such as 90s, 30m, 2h, 1d or DD:HH:MM:SS")
    return found
