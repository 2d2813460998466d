"""`python -m tests.durability.load`: a sweep of many tiny runs; it, its runs and its server are killed at random.

It is given again until all runs are finished. Then every curve must be that of a plain `fit` bit for bit but for the
seconds, no process and no half-written file may be left, nothing that was finished may have been written again, and
what the sweep and its server hold in memory may not have grown with the runs.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import yaml

from sdd.callbacks import curve_recorder
from sdd.files import PART
from tests.fuzz.copies import all_imported, run_copy
from tests.small import CONFIG, PROJECT, curve_without_seconds
from tests.sweep.small_sweep import MARK, fits, kill_all, parent, processes, wait_until

TINY = (
    *(
        "fit",
        "--config",
        str(CONFIG),
        "--data.train_size",
        "50",
        "--data.batch_size",
        "25",
        "--model.net.widths",
        "[4]",
    ),
    *("--pruning.levels", "2", "--pruning.fraction", "0.5", "--pruning.epochs_per_level", "2", "--threads", "1"),
    *("--checkpoint.every_n_epochs", "1", "--progress.show", "none", "--preflight", "false"),
)
"""Three levels of two epochs of two batches."""

KINDS = {
    "SIGKILL of a run": ("run", signal.SIGKILL, 70),
    "SIGTERM to a run": ("run", signal.SIGTERM, 15),
    "SIGKILL of the sweep": ("sweep", signal.SIGKILL, 6),
    "SIGTERM to the sweep": ("sweep", signal.SIGTERM, 5),
    "SIGINT to the sweep": ("sweep", signal.SIGINT, 2),
    "SIGKILL of the server": ("server", signal.SIGKILL, 2),
}
"""What is done to whom, and how often in a hundred."""

GROWTH = 4.0
"""MiB that sweep and server together may grow by while a hundred runs end."""

_ENOUGH = 20
"""Runs that must end between two looks at the memory, before they tell of a hundred; it takes some to fill caches."""

_LOOK_SECONDS, _END_SECONDS = 0.2, 120.0
_CALM = 0.4  # of the runs are left to a sweep that nobody kills, whose memory shows


@dataclass
class Load:
    """What was done, and what came of it.

    Attributes:
        kills: How often what was done.
        starts: Of the sweep.
        memory: Of the last start: runs ended since, and what sweep and server hold then, in MiB.
        wrong: What is not as it must be, in words.
    """

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    memory: list[tuple[int, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """MiB by which both grow in a hundred runs: from the first third of the last start to its last third.

        0 where too few runs ended in it to tell.
        """
        third = len(self.memory) // 3
        if not third:
            return 0.0
        (early, first), (late, last) = (_middle(part) for part in (self.memory[:third], self.memory[-third:]))
        return 100 * (last - first) / (late - early) if late - early >= _ENOUGH else 0.0


def _middle(measured: Sequence[tuple[int, float]]) -> tuple[float, float]:
    ended, held = (sorted(values)[len(values) // 2] for values in zip(*measured, strict=True))
    return ended, held


class KilledSweep:
    """A sweep over seeds.

    Args:
        folder: To run in; empty.
        runs: How many seeds.
        workers: How many runs at once.
        seed: Of the draws of who is killed and when.
    """

    def __init__(self, folder: Path, runs: int, workers: int, seed: int) -> None:
        self.folder, self.runs, self.workers = folder, runs, workers
        self.load = Load()
        self._draws, self._mark = random.Random(seed), uuid.uuid4().hex
        self._finished: dict[Path, tuple[int, int]] = {}
        parameters = {"seed_everything": {"values": [*range(runs)]}}
        command = ["${env}", "python", "-m", "${program}", *TINY, "${args}"]
        sweep = {"program": "sdd", "method": "grid", "command": command, "parameters": parameters}
        (folder / "load.yaml").write_text(yaml.safe_dump(sweep))

    @property
    def base(self) -> Path:
        """The folder of the runs."""
        return self.folder / "runs" / "load"

    def run(self, kills: int) -> None:
        """Take all runs to their ends; the kills come while the first of them end."""
        due = sorted(self._draws.uniform(0, (1 - _CALM) * self.runs) for _ in range(kills))
        try:
            while self._once(due):
                pass
        finally:
            kill_all(self._mark)

    def _once(self, due: list[float]) -> bool:
        """Start the sweep and see it end; returns whether it has to be started again."""
        with (self.folder / "said.txt").open("ab") as output:
            sweep = subprocess.Popen(
                [sys.executable, "-m", "sdd", "sweep", "load.yaml", "--workers", str(self.workers)],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(PROJECT), MARK: self._mark},
                stdout=output,
                stderr=output,
            )
        self.load.starts += 1
        self.load.memory = []
        before = self._note_finished()
        kills = self.load.kills.total()
        print(f"start {self.load.starts}: {before} of {self.runs} finished, {kills} kills", flush=True)
        early = self._draws.random() < 0.2  # killed while it starts
        while sweep.poll() is None:
            time.sleep(self._draws.uniform(0, 2 * _LOOK_SECONDS))
            done = self._note_finished()
            if due and (early or due[0] <= done):
                time.sleep(self._draws.uniform(0, 4 if early else 1))
                if self._kill(sweep, early):
                    due.pop(0)
                    early = False
            elif done > before and (held := self._held(sweep)):
                self.load.memory.append((done - before, held))
        killed = sweep.returncode == -signal.SIGKILL
        # SIGTERM itself ends it while it imports, before it has started anything.
        asked = {0, 1, 130, 143, -signal.SIGTERM}
        if not killed and processes(self._mark):
            self.load.wrong.append(f"the sweep has ended with {sweep.returncode} and left processes")
        wait_until(lambda: not processes(self._mark), "end of all processes", _END_SECONDS)
        if sweep.returncode not in asked and not killed:
            self.load.wrong.append(f"the sweep has ended with {sweep.returncode}")
        return sweep.returncode != 0 or bool(due)

    def _note_finished(self) -> int:
        """Note which runs are finished, and which of them have been written again since; returns their number."""
        for summary in self.base.glob("*/summary.json"):
            with suppress(FileNotFoundError):
                now = summary.stat().st_mtime_ns, summary.with_name("curve.csv").stat().st_mtime_ns
                if self._finished.setdefault(summary.parent, now) != now:
                    self.load.wrong.append(f"{summary.parent.name} was finished and is written again")
                    self._finished[summary.parent] = now
        return len(self._finished)

    def _kill(self, sweep: "subprocess.Popen[bytes]", early: bool) -> bool:
        """Do one of the kinds; returns whether there was whom to do it to."""
        names = [name for name, (whom, _, _) in KINDS.items() if not early or whom == "sweep"]
        (name,) = self._draws.choices(names, [KINDS[name][2] for name in names])
        whom, number, _ = KINDS[name]
        there = {"sweep": [sweep.pid], "run": fits(self._mark, sweep), "server": self._servers(sweep)}[whom]
        if sweep.poll() is not None or not there:
            return False
        with suppress(ProcessLookupError):
            os.kill(self._draws.choice(there), number)
            self.load.kills[name] += 1
            return True
        return False

    def _servers(self, sweep: "subprocess.Popen[bytes]") -> list[int]:
        found = processes(self._mark)
        return [pid for pid, command in found.items() if "sdd.fork_server" in command and parent(pid) == sweep.pid]

    def _held(self, sweep: "subprocess.Popen[bytes]") -> float:
        """Return what the sweep and its server hold of their own in memory, in MiB; 0 where one of them has ended."""
        held = [_own_memory(pid) for pid in (sweep.pid, *self._servers(sweep))]
        return sum(held) if len(held) > 1 and all(held) else 0.0

    def compare(self) -> None:
        """Compare every curve with that of a plain `fit`, and look for what is left over."""
        found = {int(run.name.split("-s")[1].split("-")[0]): run for run in self._finished}
        self.load.wrong += [f"seed {seed} has no curve" for seed in range(self.runs) if seed not in found]
        with ExitStack() as stack:
            stack.enter_context(all_imported())
            stack.enter_context(mock.patch.object(curve_recorder, "draw_curve"))  # takes half of the time
            plain = stack.enter_context(ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("fork")))
            curves = plain.map(_plain_curve, [(self.folder, seed) for seed in found])
            for seed, curve in zip(found, curves, strict=True):
                if curve_without_seconds(found[seed]) != curve:
                    self.load.wrong.append(f"seed {seed} has another curve than a plain fit")
        parts = [path for path in self.folder.rglob("*") if path.name.endswith(PART)]
        self.load.wrong += [f"left over: {path.relative_to(self.folder)}" for path in parts]
        if self.load.growth > GROWTH:
            self.load.wrong.append(f"sweep and server grow by {self.load.growth:.1f} MiB in 100 runs")


def _plain_curve(where: tuple[Path, int]) -> list[list[str]]:
    """Return the curve of a plain `fit` with a seed."""
    folder, seed = where
    place = folder / "plain" / str(seed)
    place.mkdir(parents=True)
    ended = run_copy([*TINY, "--seed_everything", str(seed), "--run_dir", "run"], place)
    assert ended.status == 0, ended.err
    return curve_without_seconds(place / "run")


def _own_memory(pid: int) -> float:
    """Return how much memory of its own, no file's, a process holds, in MiB; 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon:")), 0.0)


def load(folder: Path, runs: int, workers: int, kills: int, seed: int = 0) -> Load:
    """Return what comes of a killed sweep; see `KilledSweep`."""
    sweep = KilledSweep(folder, runs, workers, seed)
    sweep.run(kills)
    sweep.compare()
    return sweep.load


def row(found: Load, runs: int) -> str:
    """Return a row of the table of what was injected."""
    kills = ", ".join(f"{found.kills[kind]} {kind}" for kind in KINDS if found.kills[kind])
    return f"| load: {runs} runs of a sweep, started {found.starts} times | {kills} | {len(found.wrong)} |"


def main(arguments: list[str]) -> int:
    """Kill, compare, and print a row of a Markdown table; returns 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.durability.load", description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0, help="other numbers kill others at other times")
    parser.add_argument("--place", help="folder to work in; a file system in memory is fastest")
    chosen = parser.parse_args(arguments)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=chosen.place) as place:
        found = load(Path(place), chosen.runs, chosen.workers, chosen.kills, chosen.seed)
    for line in found.wrong:
        print(line, file=sys.stderr)
    print(row(found, chosen.runs))
    held = [memory for _, memory in found.memory]
    if held:
        ended = found.memory[-1][0]
        print(
            f"memory of sweep and server, {ended} runs of the last start: {min(held):.0f} to {max(held):.0f} MiB, "
            f"{found.growth:+.2f} MiB in 100 runs"
        )
    print(f"{time.monotonic() - started:.0f} s; every curve compared with that of a plain fit")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
