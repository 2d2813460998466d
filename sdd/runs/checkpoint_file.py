"""Checkpoints and other files that PyTorch writes: written to last, and read only where their checksums are right."""

import errno
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from sdd.errors import UserError
from sdd.files import replacing
from sdd.messages import one_line

_VERSION = "pytorch-lightning_version"
"""What Lightning puts into every checkpoint."""

_SHOWN = 200


def write_checkpoint(path: Path, content: Any) -> None:
    """Write what `read_checkpoint` returns, in one step and for good.

    Args:
        path: The file; its folder is made where it is missing.
        content: Tensors, numbers and texts, in lists and dicts.

    Raises:
        OSError: It could not be written; an old file is as it was.
    """
    held = checkpoint_bytes(content)  # PyTorch's own errors would hide those of the disk
    with replacing(path) as file:
        file.write(held)


def checkpoint_bytes(content: Any) -> memoryview:
    """Return the bytes of a file that holds this content."""
    held = io.BytesIO()
    torch.save(content, held)
    return held.getbuffer()


def read_checkpoint(path: Path, map_location: Any = "cpu") -> Any:
    """Read a file that `torch.save` wrote, its checksums with it, which PyTorch alone does not look at.

    Args:
        path: The file.
        map_location: As of `torch.load`.

    Raises:
        UserError: It is missing, cannot be read, has changed since it was written, or is no such file.
    """
    try:
        with path.open("rb") as file:
            check_zip(file)
            file.seek(0)
            return torch.load(file, map_location=map_location, weights_only=True)
    except UserError as error:
        raise UserError(f"{path} is damaged: {error}") from error
    except Exception as error:  # readers raise whatever a damaged file leads them to
        if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:  # a damaged file leads out of itself
            raise UserError(f"{path} cannot be read: {error.strerror}") from error
        raise UserError(
            f"{path} is damaged, or no checkpoint: {type(error).__name__}: {one_line(str(error))[:_SHOWN]}"
        ) from error


def check_zip(file: Any) -> None:
    """Find out whether the members of a zip file, as PyTorch and NumPy write them, have their checksums.

    Args:
        file: Open for reading in bytes; afterwards it is anywhere.

    Raises:
        UserError: One has not; the message completes "it is damaged: ".
        zipfile.BadZipFile: It is no zip file, or is cut off.
    """
    with zipfile.ZipFile(file) as members:
        damaged = members.testzip()
    if damaged is not None:
        raise UserError(f"{damaged} in it has changed since it was written")


def damage_of(path: Path) -> str | None:
    """Return why a checkpoint or a level cannot be used, in a line that names it; None where it can."""
    try:
        check_content(path, read_checkpoint(path))
    except UserError as error:
        return str(error)
    return None


def check_content(path: Path, content: Any) -> None:
    """Find out whether what was read is a checkpoint or a level.

    Args:
        path: Where, for the message.
        content: What `read_checkpoint` returned.

    Raises:
        UserError: It is something else.
    """
    whole = isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping)
    if not whole or _VERSION not in content:
        raise UserError(f"{path} is no checkpoint that sdd has written: give one of a run's checkpoints/ or levels/")
