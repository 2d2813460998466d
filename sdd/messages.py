"""What is said to the user: one line each, in plain words."""

import argparse
import re
from typing import NoReturn

from sdd.errors import UserError

_CHOICE = re.compile(r"Expected a typing\.Literal\[(.*?)\]\. Got value: (.*)")
_GIVEN_BY = re.compile(r'Linked "([\w.]+)" must be given via "([\w.]+)"')
_REFUSED_IN_LINK = re.compile(r"Call to compute_fn of link .*? failed: (.*)")
_LINKED = re.compile(r"argument (?:\w+\()?([\w., ]+?)\)? --> ([\w.]+): invalid .*")


def one_line(message: str) -> str:
    """Fold a message of several lines into one."""
    return " ".join(message.split())


def counted(number: int, thing: str) -> str:
    """Return a number of things in words, such as 1 run or 2 runs."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def plain_words(message: str) -> str:
    """Rewrite what jsonargparse says of a bad command line or configuration file."""
    text = one_line(message)
    if refused := _REFUSED_IN_LINK.search(text):
        return refused[1]
    if found := _LINKED.search(text):
        source, target = found.groups()
    elif found := _GIVEN_BY.search(text):
        target, source = found.groups()
    if found:
        return f"{target} follows from {source}: leave it unset and set that instead"
    if "model.seed" in text:
        return f"seed_everything must be a whole number from 0, so that a run can be repeated ({text})"
    if text.endswith("are required: fit.model.net"):
        return "no network is named: give --config configs/digits_mlp.yaml, or another configuration"
    text = re.sub(r'Parser key "([^"]*)": ', r"\1: ", text)
    return _CHOICE.sub(lambda found: f"{found[2]!r} is unknown; allowed: {found[1].replace(chr(39), '')}", text)


class OneLineParser(argparse.ArgumentParser):
    """A parser of the standard library whose errors are one line each."""

    def error(self, message: str) -> NoReturn:
        """Raise a UserError instead of printing the whole usage."""
        raise UserError(f"{one_line(message)} (see {self.prog} --help)")
