"""Checksums of the tables and JSON files of a folder, kept beside them in `checksums.json`.

A file may have one of two: that of its content and, where it is just being replaced, that of the content before. Both
are there before the file changes, so that a process that is killed at any moment leaves none that is wrong.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from sdd.errors import DamagedError, UserError
from sdd.regular_files import read_bytes

FILE = "checksums.json"
FORMAT = 1

ABSENT = None
"""In the place of a checksum: the file need not be there yet."""

Checksums = Mapping[str, Sequence[str | None]]


def checksum(content: bytes) -> str:
    """Return 16 hex digits, the first of SHA-256, that are others for other content."""
    return hashlib.sha256(content).hexdigest()[:16]


def text_of(checksums: Checksums) -> str:
    """Return what `checksums.json` holds, a file on a line."""
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps([*allowed])}" for name, allowed in sorted(checksums.items()))
    return f'{{\n "format": {FORMAT},\n "files": {{\n{lines}\n }}\n}}\n'


def read_checksums(folder: Path) -> dict[str, list[str | None]]:
    """Return the checksums that files of a folder may have, by name; none where nothing is known of them.

    Raises:
        UserError: They cannot be read.
        DamagedError: They are damaged themselves, or of another version.
    """
    path = folder / FILE
    try:
        if not path.exists():
            return {}
        content = json.loads(read_bytes(path))
        if content["format"] != FORMAT:
            raise ValueError(f"it is of format {content['format']}, and this version of sdd reads {FORMAT}")
        return {name: [*allowed] for name, allowed in content["files"].items()}
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(
            f"{path} is damaged: {error}; remove it to have the files beside it read unchecked"
        ) from error


def with_next(before: Sequence[str | None] | None, current: bytes | None, content: bytes) -> list[str | None]:
    """Return the checksums that a file may have from now on, while it is replaced.

    Args:
        before: Those that it may have had; None: nothing is known of it.
        current: Its content; None: it is not there.
        content: Its next one.
    """
    now = ABSENT if current is None else checksum(current)
    kept = [now] if before is None or now in before or now is ABSENT else []  # damage does not become right
    return list(dict.fromkeys([*kept, checksum(content)]))


def problem(path: Path, content: bytes | None, checksums: Checksums) -> str | None:
    """Return what is wrong with a file, to complete "it is"; None where nothing is, or nothing is known of it.

    Args:
        path: The file.
        content: None: it is not there.
        checksums: Of its folder.
    """
    allowed = checksums.get(path.name)
    if allowed is None or (ABSENT if content is None else checksum(content)) in allowed:
        return None
    if content is None:
        return "missing"
    return f"damaged: it is not as sdd wrote it, by {FILE}; if you changed it yourself, remove its line there"
