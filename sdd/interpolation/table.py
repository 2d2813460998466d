"""A table of measured paths in a folder, and what it was measured from, so that nothing is measured twice."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sdd.analysis.paths import Row, read_paths
from sdd.checksums import checksum, with_next
from sdd.errors import UserError
from sdd.files import check_folder, content_now, damage, read_json, table_text, write_atomically
from sdd.locks import try_lock

FORMAT = 1
"""Format number of `interpolation.json`."""

PATH = "path"
"""What the one path of a table that has no levels is called in `interpolation.json`."""


def files_in(folder: Path) -> tuple[Path, Path]:
    """Return the table and the picture of a folder's paths."""
    return folder / "interpolation.csv", folder / "interpolation.png"


class PathTable:
    """`interpolation.csv` in a folder, and beside it `interpolation.json`: how it was measured, and from which weights.

    Args:
        folder: Made where it is missing.
        settings: How the paths are to be measured, by name.

    Raises:
        UserError: The folder holds a table that was measured otherwise, or one that cannot be read.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.file, self.picture = files_in(folder)
        self._record = folder / "interpolation.json"
        self._settings = dict(settings)
        self._digests: dict[str, str]
        self.rows: dict[str, list[Row]]
        self._read()

    def _read(self) -> None:
        self._digests, self.rows = {}, {}
        if not self._record.is_file():
            return
        content = read_json(self._record)
        if content.get("format") != FORMAT or not all(isinstance(content.get(part), dict) for part in _PARTS):
            raise UserError(f"{self._record} is damaged, or of another version of sdd: remove it to measure anew")
        held = content["settings"]
        for name in sorted(held.keys() | self._settings.keys()):
            now, then = (json.dumps(values.get(name)) for values in (self._settings, held))
            if now != then:
                raise UserError(
                    f"{self.file} was measured with {name} {then}, not {now}: give another --out, or remove "
                    f"{self._record.name} there to measure anew"
                )
        if self.file.is_file():
            known = {self.file.name: content["table"]} if isinstance(content.get("table"), list) else {}
            if found := damage(self.file, known):
                raise UserError(f"{self.folder / found}, or remove {self._record.name} to measure anew")
            for row in read_paths(self.file):
                self.rows.setdefault(str(row["level"]) if "level" in row else PATH, []).append(row)
            self._digests = {name: digest for name, digest in content["levels"].items() if name in self.rows}

    def holds(self, name: str, digest: str) -> bool:
        """Tell whether a path was measured, of these weights.

        Args:
            name: Its level, or `PATH`.
            digest: Of the weights of its ends.
        """
        return self._digests.get(name) == digest and len(self.rows.get(name, ())) == self._settings["points"]

    def add(self, name: str, digest: str, rows: Sequence[Row]) -> None:
        """Write the table with a further path, or with one measured anew."""
        self._digests.pop(name, None)
        self.rows = {known: held for known, held in self.rows.items() if known in self._digests}
        self.rows[name] = list(rows)
        order = sorted(self.rows, key=lambda known: (len(known), known))
        text = table_text([row for known in order for row in self.rows[known]])
        self._write_record(with_next(None, content_now(self.file), text.encode()))
        write_atomically(self.file, text)
        self._digests[name] = digest
        self._write_record([checksum(text.encode())])

    def _write_record(self, table: Sequence[str | None]) -> None:
        """Write how the table was measured, and which checksums it may have."""
        levels = {known: self._digests[known] for known in sorted(self._digests, key=lambda known: (len(known), known))}
        content = {"format": FORMAT, "settings": self._settings, "levels": levels, "table": [*table]}
        write_atomically(self._record, json.dumps(content, indent=1) + "\n")

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the folder's table, so that no second process writes it.

        Raises:
            UserError: Another process holds it, or nothing can be written into the folder.
        """
        check_folder("the folder of the table", self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        with try_lock(self.folder / ".interpolation.lock", "another process") as holder:
            if holder is not None:
                raise UserError(f"{self.file} is being measured by another process; wait for it")
            self._read()  # another process may have added paths meanwhile
            yield


_PARTS = ("settings", "levels")
