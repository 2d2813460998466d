"""The bytes of a file that is one, and of a size that a file of ours may have."""

import os
import stat
from pathlib import Path

from sdd.errors import DamagedError, UserError

_LARGEST = 256 * 2**20
"""Bytes of a text or table that is read whole; those of a run are a thousandth of it."""


def read_bytes(path: Path) -> bytes:
    """Read a file, if it is one, and of a size that a file of ours may have.

    Nothing waits for whoever writes into a pipe, and a sparse file of terabytes takes no memory.

    Raises:
        UserError: It is missing, cannot be read, or is no regular file.
        DamagedError: It is too large.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise UserError(f"{path} cannot be read: it is no file")
            if status.st_size > _LARGEST:
                raise DamagedError(
                    f"{path} is damaged: it is of {status.st_size:,} bytes; at most {_LARGEST:,} are read"
                )
            return file.read()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
