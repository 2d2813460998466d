"""Takes the runs of a sweep through an engine, one process each, until all are done or it is asked to stop."""

import os
import socket
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

from sdd.errors import UserError
from sdd.locks import try_lock
from sdd.runs.folder import RunFolder, StateName
from sdd.sweep.engine import Engine
from sdd.sweep.fit_process import Outcome, outcome_of
from sdd.sweep.guarded_fit import GRACE_SECONDS
from sdd.sweep.planned_run import PlannedRun, relative
from sdd.sweep.progress import SweepProgress
from sdd.sweep.silence import Watch
from sdd.sweep.stop_signals import StopSignals

_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Result:
    """What became of a run.

    Attributes:
        run: The run.
        end: `skipped`: it was finished before, or by another process; `stopped`: the sweep was; `elsewhere`:
            another sweep has it in work.
        reason: Why it failed, in one line.
    """

    run: PlannedRun
    end: Literal["finished", "skipped", "failed", "stopped", "elsewhere"]
    reason: str = ""


@dataclass
class _Work:
    """A run that the engine has. Attributes: overdue: Why it is ended, if it is; else empty."""

    run: PlannedRun
    state: StateName
    claim: ExitStack
    submitted: float
    watch: Watch
    shown: bool = False
    overdue: str = ""


class SweepRunner:
    """The runs that are left, and those at work.

    Args:
        runs: In the order in which they are to be started.
        engine: Runs them.
        stop: Says when to stop.
        leave_others: End when only runs are left that other sweeps have in work, instead of waiting for them.
        timeout: End a run that has given no sign of life for so long; None: never.
    """

    def __init__(
        self,
        runs: Sequence[PlannedRun],
        engine: Engine,
        stop: StopSignals,
        *,
        leave_others: bool,
        timeout: timedelta | None = None,
    ) -> None:
        self._timeout = timeout
        self._waiting, self._engine, self._stop, self._leave_others = list(runs), engine, stop, leave_others
        self._progress = SweepProgress(runs)
        self._work: dict[Future[Outcome], _Work] = {}
        self._results: list[Result] = []
        self._directory = Path.cwd()

    def run(self) -> list[Result]:
        """Return what became of each run, in the order in which they ended."""
        try:
            while self._waiting or self._work:
                if self._stop.first is not None:
                    self._end_all()
                    break
                self._start_some()
                if not self._work and self._waiting and self._leave_others:
                    self._results += [Result(run, "elsewhere") for run in self._waiting]
                    break
                self._look()
        finally:
            self._engine.kill()
            self._progress.close()
        return self._results

    def _start_some(self) -> None:
        """Give the engine what it has room for, passing over what other sweeps have in work."""
        for run in tuple(self._waiting):
            if self._engine.at_once is not None and len(self._work) >= self._engine.at_once:
                return
            claim = ExitStack()
            try:
                run.claim.parent.mkdir(parents=True, exist_ok=True)
                mine = f"{socket.gethostname()}, process {os.getpid()}"
                if claim.enter_context(try_lock(run.claim, mine)) is not None:
                    claim.close()
                    continue
                state = run.state()
            except (UserError, OSError) as error:
                told = isinstance(error, UserError)
                reason = str(error) if told else f"{relative(run.claim)} cannot be locked: {error}"
                self._waiting.remove(run)
                claim.close()
                self._end(Result(run, "failed", reason))
                continue
            self._waiting.remove(run)
            if state == "finished":
                claim.close()
                RunFolder(run.path).tidy()  # it may have been killed in its very last file operation
                self._end(Result(run, "skipped"), run.verdict())
                continue
            work = _Work(run, state, claim, time.monotonic(), Watch(run))
            self._work[self._engine.submit(run, self._directory)] = work

    def _look(self) -> None:
        """Wait a little, and note what has changed."""
        if self._work:
            ended, _ = wait(self._work, _LOOK_SECONDS, FIRST_COMPLETED)
        else:
            time.sleep(_LOOK_SECONDS)
            ended = set()
        for work in self._work.values():
            work.watch.look()
            if work.watch.since is not None and not work.shown:
                work.shown = True
                self._progress.say("start" if work.state == "new" else "resume", work.run)
            self._end_if_silent(work)
        for future in ended:
            self._close(future)
        self._progress.refresh({work.run: work.watch.words() for work in self._work.values()})

    def _end_if_silent(self, work: _Work) -> None:
        if self._timeout is None or work.overdue or work.watch.silence < self._timeout.total_seconds():
            return
        work.overdue = f"no sign of life for {self._timeout} (--timeout), {work.watch.doing or 'as it started'}"
        self._engine.end(work.run)

    def _close(self, future: "Future[Outcome]") -> None:
        """Note how a run has ended."""
        work = self._work.pop(future)
        work.claim.close()
        outcome, run = outcome_of(future), work.run
        outcome = replace(outcome, reason=work.overdue or outcome.reason)
        took = str(timedelta(seconds=round(time.monotonic() - (work.watch.since or work.submitted))))
        try:
            state: StateName | None = run.state()
            reason = outcome.reason or f"it ended without {run.path.name}/{RunFolder(run.path).summary.name}"
        except UserError as error:
            state, reason = None, "; ".join(filter(None, (outcome.reason, str(error))))
        if state == "finished":  # a signal may come after its last word
            self._end(Result(run, "finished"), f"{took}  {run.verdict()}")
        elif self._stop.first is not None:
            self._end(Result(run, "stopped"))
        else:
            self._end(Result(run, "failed", reason), f"{took}  {reason}")

    def _end(self, result: Result, rest: str = "") -> None:
        self._results.append(result)
        self._progress.say(result.end, result.run, rest or result.reason)
        self._progress.end(result.run)

    def _end_all(self) -> None:
        """Stop what is at work: gently, then, after a while or a second signal, at once."""
        self._engine.stop()
        deadline = time.monotonic() + GRACE_SECONDS
        while self._work and time.monotonic() < deadline and self._stop.count == 1:
            for future in wait(self._work, 0.1, FIRST_COMPLETED).done:
                self._close(future)
        self._engine.kill()
        for future in wait(self._work, GRACE_SECONDS).done:
            self._close(future)
        self._results += [Result(work.run, "stopped") for work in self._work.values()]
        self._results += [Result(run, "stopped") for run in self._waiting]
