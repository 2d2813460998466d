"""What may have happened to a file: something else is in its place, or something odd in it."""

import os
from pathlib import Path

ODD = ("[]", "{}", "null", "1", '"x"', "NaN", "1e999", "-1", "[null]", '{"a": {}}', '{"format": 1}', "x", "")
_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(8 * 2**30)


DAMAGES = {
    "removed": lambda path: None,
    "a folder": os.mkdir,
    "a pipe": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "8 GiB of nothing": _sparse,
    "deep JSON": lambda path: path.write_text("[" * 200_000),
    "deep objects": lambda path: path.write_text('{"a":' * 50_000),
    "a long line": lambda path: path.write_text("9" * 500_000),
    "aliases": lambda path: path.write_text(_BOMB),
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe\x00level"),
    "zeros": lambda path: path.write_bytes(b"\0" * 1000),
}
