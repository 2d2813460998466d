"""The real `wandb` command and its agents, as processes on machines of their own: a home, a folder, an environment."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import matplotlib
import yaml

from tests.small import PROJECT
from tests.wandb_client.backend import Sweep
from tests.wandb_client.server import StandIn

# A run that falls and climbs, a third of a second a level.
DESCENT = [
    *("--config", "configs/digits_mlp.yaml", "--data.train_size", "500", "--data.batch_size", "64"),
    *("--model.net.widths", "[200]", "--pruning.levels", "12", "--pruning.fraction", "0.4"),
    *("--pruning.epochs_per_level", "40", "--threads", "1", "--progress.show", "none"),
]


class Machine:
    """A computer with nothing on it but this project. Use it as a context: it leaves no process behind.

    Args:
        folder: Where its clients start; gets the project's `configs`.
        server: That it talks to.
        environment: What differs from a plain one.
    """

    def __init__(self, folder: Path, server: StandIn, **environment: str) -> None:
        self.folder, self._server, self._started = folder, server, list[subprocess.Popen[bytes]]()
        home = folder / "home"
        home.mkdir(parents=True)
        (folder / "configs").symlink_to(PROJECT / "configs")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
        self.environment = kept | {
            "HOME": str(home),
            "MPLCONFIGDIR": matplotlib.get_cachedir(),  # else each machine would look for its fonts anew
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
            "WANDB_API_KEY": "0123456789" * 4,
            "WANDB_BASE_URL": server.url,
            "WANDB_ERROR_REPORTING": "false",
            "XDG_CACHE_HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "XDG_DATA_HOME": str(home),
            **environment,
        }

    def __enter__(self) -> "Machine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.switch_off()

    @property
    def runs(self) -> Path:
        """Where its runs lie."""
        return self.folder / "runs"

    def processes(self) -> list[int]:
        """Find what runs here, orphans and W&B's services in sessions of their own included: by their environment."""
        listed = subprocess.run(
            ["ps", "axeww", "-o", "pid=,stat=,command="], capture_output=True, text=True, check=True
        )
        here = f" HOME={self.environment['HOME']} "
        lines = (line.split(maxsplit=2) for line in listed.stdout.splitlines() if here in f"{line} ")
        return [int(pid) for pid, state, _ in lines if not state.startswith("Z")]

    def switch_off(self) -> None:
        """Kill everything at once, as a power cut does."""
        while running := self.processes():
            for pid in running:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for process in self._started:
            process.wait()

    def start(self, *command: str, log: str = "process.log", **environment: str) -> "subprocess.Popen[bytes]":
        """Start a process; what it prints goes into a file."""
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def wandb(self, *arguments: str, timeout: float = 60) -> str:
        """Run `wandb` and return what it printed; it must succeed."""
        log = self.folder / "wandb.log"
        log.write_bytes(b"")
        process = self.start(sys.executable, "-m", "wandb", *arguments, log=log.name)
        status = process.wait(timeout)
        printed = log.read_text()
        assert status == 0, printed
        return printed

    def sweep(self, file: Path) -> Sweep:
        """Create a sweep by `wandb sweep`."""
        printed = self.wandb("sweep", str(file))
        sweep = self._server.sweeps[-1]
        assert f"wandb agent someone/{sweep.project}/{sweep.name}" in printed
        return sweep

    def start_agent(
        self, sweep: Sweep, *options: str, log: str = "agent.log", **environment: str
    ) -> "subprocess.Popen[bytes]":
        """Start `wandb agent` for a sweep."""
        path = f"someone/{sweep.project}/{sweep.name}"
        return self.start(sys.executable, "-m", "wandb", "agent", *options, path, log=log, **environment)

    def run_agent(self, sweep: Sweep, *options: str, timeout: float = 600, **environment: str) -> str:
        """Let an agent work until the sweep has nothing more, and return what it and its runs printed."""
        status = self.start_agent(sweep, *options, **environment).wait(timeout)
        printed = (self.folder / "agent.log").read_text()
        assert status == 0, printed
        return printed

    def start_fit(self, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Start `python -m sdd fit` here."""
        (self.folder / "fit.log").write_bytes(b"")
        return self.start(sys.executable, "-m", "sdd", "fit", *arguments, log="fit.log", **environment)

    def fit(self, *arguments: str, **environment: str) -> None:
        """Run `python -m sdd fit` here; it must succeed."""
        status = self.start_fit(*arguments, **environment).wait(200)
        assert status == 0, (self.folder / "fit.log").read_text()


def small_sweep(file: Path, folder: Path, extra: Sequence[str], values: Mapping[str, list[Any]]) -> Path:
    """Write a sweep file's small version.

    Args:
        file: The sweep file.
        folder: Where to.
        extra: Quick arguments, which go before `${args}`.
        values: Those to sweep, by the parameter's name; parameters that are not named keep theirs.
    """
    content = yaml.safe_load(file.read_text())
    place = content["command"].index("${args}")
    content["command"][place:place] = list(extra)
    for name, chosen in values.items():
        content["parameters"][name] = {"values": chosen}
    small = folder / file.name
    small.write_text(yaml.safe_dump(content, sort_keys=False))
    return small


def wait_for(condition: Callable[[], Any], what: str, timeout: float = 90) -> Any:
    """Return the first true value of a condition."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {timeout:.0f} s for {what}")
