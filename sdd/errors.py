"""Errors that the user can correct, each a message of one line."""

STOPPED = 75
"""Exit status of a run that has ended before its last level and can go on: "try again" in sysexits.h."""


class UserError(ValueError):
    """Something in the input is wrong; the message says what, which value, what is allowed, what to do.

    The command line prints the message as one line, without a traceback, and exits with status 2.
    """


class DamagedError(UserError):
    """A file does not hold what was written into it."""


class StoppedError(Exception):
    """A run has ended before its last level, all put away; the same command goes on.

    The command line prints the message as one line and exits with status `STOPPED`.
    """
