"""The terminal: lines, the one progress bar, and a parser of options with errors of one line."""

import argparse
import logging
import os
import sys
import time
import warnings
from datetime import timedelta
from typing import Any, Literal, NoReturn

from tqdm import tqdm

from sdd.errors import UserError
from sdd.messages import did_you_mean, one_line

Show = Literal["auto", "bar", "lines", "none"]
"""How progress is shown: `bar`; `lines`: a line a minute; `none`; `auto`: a bar on a terminal, else lines."""

_UNRECOGNISED = "unrecognized arguments: "
_LINE_SECONDS = 60.0


def say(text: str, *, error: bool = False) -> None:
    """Print a line at once.

    Args:
        text: What was asked for goes to standard output.
        error: What is said beside it goes to standard error.
    """
    stream = sys.stderr if error else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


_process: tuple[int | None, int | None] = (None, None)


def set_process(rank: int | None, count: int | None) -> None:
    """Note which process this is of those that do one thing together.

    Args:
        rank: Its number; None: as the environment says.
        count: Of them; None: as the environment says.
    """
    global _process
    _process = rank, count


def is_first_process() -> bool:
    """Tell whether this is the first process of those that work on a run, not one for another device."""
    rank, _ = _process
    if rank is not None:
        return rank == 0
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK"))


def process_count() -> int:
    """Return how many processes were started together to work on a run."""
    _, count = _process
    return int(os.environ.get("WORLD_SIZE", "1")) if count is None else count


class Progress:
    """How much of a job is done and the time left, on standard error.

    Args:
        total: Steps of the whole job.
        done: Those that were done before; they tell nothing about the speed.
        unit: What a step is called.
        smoothing: Of the bar's speed, in [0, 1]; 0: the mean over all steps, 1: the speed of the last one.
        show: How it is shown.
    """

    def __init__(self, total: int, done: int, unit: str, *, smoothing: float, show: Show = "auto") -> None:
        on_terminal = sys.stderr.isatty()
        self._lines = show == "lines" or (show == "auto" and not on_terminal)
        self._bar: Any = tqdm(
            total=total,
            initial=done,
            unit=unit,
            smoothing=smoothing,
            dynamic_ncols=True,
            mininterval=0.2,
            leave=False,
            disable=not (show == "bar" or (show == "auto" and on_terminal)),
        )
        self.total, self.done, self._first = total, done, done
        self._started = self._said = time.monotonic()

    def move_to(self, done: int, words: str, total: int | None = None) -> bool:
        """Show how far the job has come.

        Args:
            done: Steps that are done, those from before included.
            words: What else a line says.
            total: Steps of the whole job, where that has changed.

        Returns:
            Whether a line was printed.
        """
        if total is not None:
            self.total = self._bar.total = total
        self._bar.update(done - self.done)
        self.done = done
        now = time.monotonic()
        if not self._lines or now - self._said < _LINE_SECONDS:
            return False
        self._said, left = now, ""
        if done > self._first:
            seconds = round((self.total - done) * (now - self._started) / (done - self._first))
            left = f"{timedelta(seconds=seconds)} left"
        say(", ".join(filter(None, (f"{done / self.total:.1%} done", words, left))), error=True)
        return True

    def skip_to(self, done: int) -> None:
        """Pass over steps that turn out not to be needed; they tell nothing about the speed."""
        self._first += done - self.done
        self.done = self._bar.n = self._bar.last_print_n = done

    def redraw(self, words: str) -> None:
        """Draw the bar now, so that its time goes on, with further words behind it."""
        self._bar.set_postfix_str(words)

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()


class OneLineParser(argparse.ArgumentParser):
    """A parser of the standard library that takes whole names only, and whose errors are one line each."""

    def __init__(self, *, prog: str, description: str | None, epilog: str | None = None) -> None:
        super().__init__(prog=prog, description=description, epilog=epilog, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise a UserError instead of printing the whole usage."""
        text = one_line(message)
        if text.startswith(_UNRECOGNISED):
            name = unrecognised(text)
            text = f"{name} is not an option{did_you_mean(name, self._option_string_actions)}"
        raise UserError(f"{text} (see {self.prog} --help)")


def unrecognised(message: str) -> str:
    """Return the first option, or else the first word, that the standard library's parser says it does not know."""
    words = message.removeprefix(_UNRECOGNISED).split()
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    return (options or words)[0]


def quieten_lightning() -> None:
    """Keep Lightning's remarks on hardware, seeds and loggers off the screen; its warnings stay."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*`tensorboardX` has been removed.*",
        ".*treespec, LeafSpec.*",
        ".*smaller than the logging interval.*",
        "Initializing zero-element tensors is a no-op",  # a network with such is refused
        ".*Total length of `list` across ranks is zero.*",  # there is no validation split
    ):
        warnings.filterwarnings("ignore", message)
