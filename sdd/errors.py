"""Errors that the user can correct, each a message of one line."""


class UserError(ValueError):
    """Something in the input is wrong; the message says what, which value, what is allowed, what to do.

    The command line prints the message as one line, without a traceback, and exits with status 2.
    """
