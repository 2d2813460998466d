"""`python -m sdd`: what the program is for, and its commands."""

import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from sdd.cli.help_page import asked_for, page
from sdd.console import say
from sdd.errors import STOPPED, StoppedError, UserError
from sdd.failures import TRACEBACK, disk_trouble
from sdd.importing import import_to_stay
from sdd.messages import did_you_mean, is_utf8, printable
from sdd.termination import take_time_to_end
from sdd.version import __version__

_HELP = """\
usage: python -m sdd COMMAND ...

Sparse double descent: train a network on partly wrong labels, prune it level by level, and see the test
accuracy fall, climb and collapse, with memorisation and learning distance beside it.

commands:
  fit       run an experiment:   python -m sdd fit --config digits_mlp
            the same command again goes on where a stopped run was left
  test      test accuracy of a trained level:  python -m sdd test --config digits_mlp
  validate  the same on the validation split (--data.val_size)
  sweep     run all cells of a sweep on this machine, or with --ray on many:
            python -m sdd sweep digits_noise_rates --workers 2
  reproduce a figure of the paper, with the runs that it needs, at the size that your machine allows:
            python -m sdd reproduce 4 --workers 2   (--list says what there is, --scale paper is the whole recipe)
  report    compare runs on an interactive page, a single file:  python -m sdd report runs/digits_noise_rates
  status    how far runs have come, whoever trains them:  python -m sdd status runs --watch
  analyze   compare finished runs, with intervals over seeds:  python -m sdd analyze runs/digits_mlp-*
  interpolate  loss and accuracy between sparse and re-dense levels, or any two levels, with the error barrier:
            python -m sdd interpolate runs/digits_redense-s0-890f36b5
  plot      draw a figure of your own:  python -m sdd plot runs/digits_noise_rates --by data.noise_rate --out F.pdf
  dashboard save the report's panels as a workspace of a W&B project:  python -m sdd dashboard ENTITY/PROJECT
  clean     free the disk space of finished runs:  python -m sdd clean runs --levels masks --dry_run
  data      the data of an experiment, its noisy labels and where each example is from:
            python -m sdd data --config digits_mlp --picture images.png
  configs   list the configurations and sweeps that come with sdd; of one, write it for you to change:
            python -m sdd configs digits_mlp > mine.yaml
  bench     time our runs against bare training loops, as a table
  completion  the script by which bash or zsh completes these command lines:  python -m sdd completion bash

`sdd` alone is the same as `python -m sdd`. Each command has --help; every setting is a flag and a YAML key of one name,
and fit --help names their sections.
"""

EXPERIMENTS = ("fit", "test", "validate")

# The module that holds the function of a command's name; imported only when it is asked for.
COMMANDS = {
    "sweep": "sdd.sweep.command",
    "reproduce": "sdd.reproduce.command",
    "report": "sdd.report.command",
    "analyze": "sdd.analysis.command",
    "interpolate": "sdd.interpolation.command",
    "plot": "sdd.analysis.plot_command",
    "dashboard": "sdd.dashboard.command",
    "clean": "sdd.clean.command",
    "status": "sdd.status.command",
    "configs": "sdd.cli.configs",
    "data": "sdd.cli.data",
    "bench": "sdd.bench.command",
    "completion": "sdd.completion.command",
}
_GO_ON = ("fit", "sweep", "reproduce")  # those that go on where they were left

_SIGPIPE = 141  # what a shell says of a program whose reader has gone


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; errors of the user are one line without a traceback.

    Args:
        arguments: The command line after the program's name; None: this process's.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    return told(lambda: _run(arguments), goes_on=_goes_on(arguments))


def told(run: Callable[[], int], *, name: str = "sdd", goes_on: bool = False) -> int:
    """Run a command and return its exit status; errors of the user are one line without a traceback.

    Args:
        run: The command.
        name: What its errors begin with.
        goes_on: Whether the same command, given again, goes on where it was left.
    """
    try:
        status = run()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        if not _reader_has_gone():
            raise
        return _SIGPIPE
    except UserError as error:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        say(f"{name}: error: {printable(str(error))}", error=True)
        return 2
    except StoppedError as stopped:
        say(f"{name}: {printable(str(stopped))}", error=True)
        return STOPPED
    except KeyboardInterrupt:
        with _uninterrupted():
            what_now = "; the same command goes on from the last checkpoint" if goes_on else ""
            say(f"{name}: interrupted{what_now}", error=True)
        return 130
    except OSError as error:
        trouble = disk_trouble(error)
        if trouble is None:
            raise
        problem, mended = trouble
        what_now = (
            "finished levels are safe, and the same command goes on from the last checkpoint"
            if goes_on
            else "give the command again"
        )
        say(f"{name}: error: {problem} ({error}); {what_now} once {mended}", error=True)
        return 1


def _goes_on(arguments: list[str]) -> bool:
    return arguments[:1] in [[command] for command in _GO_ON]


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Take no notice of a further Ctrl-C meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _reader_has_gone() -> bool:
    """Tell whether nobody reads standard output any more, as after `| head`; what is left for it then goes nowhere."""
    if not hasattr(select, "poll"):
        return False
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if not output.poll(0):  # errors alone are asked for
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return True


def _run(arguments: list[str]) -> int:
    for argument in arguments:
        if not is_utf8(argument):
            raise UserError(f"the argument {argument!r} is not UTF-8: rename what it names")
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        sys.stdout.write(_HELP)
        return 0
    command = arguments[0]
    if command == "--version":
        say(f"sdd {__version__}")
        return 0
    if command in COMMANDS:
        module = import_to_stay(COMMANDS[command])
        run: Callable[[list[str]], int] = getattr(module, command)
        return run(arguments[1:])
    if command not in EXPERIMENTS:
        known = (*EXPERIMENTS, *COMMANDS)
        there_are = f"; there are: {', '.join(known)}"
        raise UserError(f"unknown command {command!r}{there_are}{did_you_mean(command, known, ' (see --help)')}")
    topic = asked_for(arguments[1:])
    if topic is not None:
        sys.stdout.write(page(command, topic))
        return 0
    run_experiment: Callable[[list[str]], int] = import_to_stay("sdd.cli.command").run_experiment
    return run_experiment(arguments)


def script() -> NoReturn:
    """Run the command `sdd`, or `python -m sdd`, and end the process."""
    _open_what_is_closed()
    _look_here_for_modules()
    status = main()
    take_time_to_end()
    sys.exit(status)  # looked up only now: W&B has put its own in its place, to learn how the run ended


def _open_what_is_closed() -> None:
    """Let what is said go nowhere where standard output or error is closed, before another file takes its place."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as the process


def _look_here_for_modules() -> None:
    """Let `sdd` find a user's parts in the folder of the command, as `python -m sdd` does."""
    with suppress(OSError):  # the folder may be gone
        here = os.getcwd()
        if here not in sys.path and not getattr(sys.flags, "safe_path", False):  # of Python 3.11 and later
            sys.path.insert(0, here)


if __name__ == "__main__":
    script()
