"""What the commands print, read from their command line, and keep Lightning from printing."""

import argparse
import logging
import sys
import warnings
from typing import NoReturn

from sdd.errors import UserError
from sdd.messages import did_you_mean, one_line

_UNRECOGNISED = "unrecognized arguments: "


def say(text: str, *, error: bool = False) -> None:
    """Print a line at once.

    Args:
        text: What was asked for goes to standard output.
        error: What is said beside it goes to standard error.
    """
    stream = sys.stderr if error else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


class OneLineParser(argparse.ArgumentParser):
    """A parser of the standard library that takes whole names only, and whose errors are one line each."""

    def __init__(self, *, prog: str, description: str | None) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)

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
        ".*Total length of `list` across ranks is zero.*",  # there is no validation split
    ):
        warnings.filterwarnings("ignore", message)
