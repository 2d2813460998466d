"""Wording of what is said to the user, in one line each."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST_WORD, _LONGEST_MESSAGE = 500, 2000  # characters; paths are words


def is_utf8(text: str) -> bool:
    """Tell whether a text can be written to a file; names of files need not be such texts."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(message: str) -> str:
    """Return a message as one line that any terminal shows as it is: other characters as Python writes them.

    Of words and messages that are too long to be read, as a value may be that was given, the beginning is left.
    """
    text = " ".join(_cut(word, _LONGEST_WORD) for word in message.replace("\n", " ").split(" "))
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "backslashreplace").decode()
        for one in _cut(text, _LONGEST_MESSAGE)
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def as_text(cell: str) -> str:
    """Return a cell of a table as text to spreadsheets, too: what begins like a formula has an apostrophe before it."""
    if not cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def one_line(message: str) -> str:
    """Fold a message of several lines into one."""
    return " ".join(message.split())


def yaml_error(message: str) -> str:
    """Return what PyYAML says of a text as one line; places are `at line 2, column 5`, without a file's name."""
    return re.sub(r',? in "<[^>]*>", line', " at line", one_line(message))


def counted(number: int, thing: str) -> str:
    """Return a number of things in words, such as 1 run or 2 runs."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a mistaken one most likely means; None where none is near.

    A name that begins with the mistaken one comes first, then one with the same last part after a dot, then whatever
    is spelt alike.
    """
    names = list(known)
    last = name.lstrip("-").rpartition(".")[2]
    longer = [one for one in names if one.startswith(name)]
    elsewhere = [one for one in names if one.lstrip("-").rpartition(".")[2] == last]
    alike = get_close_matches(name, longer or elsewhere or names, n=1, cutoff=0.0 if longer or elsewhere else 0.6)
    return alike[0] if alike else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the end of a message on a name that there is not, such as `; did you mean magnitude?`.

    Args:
        name: As it was given.
        known: What could be given.
        otherwise: What to say where nothing is near.
    """
    near = nearest(name, known)
    return otherwise if near is None else f"; did you mean {near}?"
