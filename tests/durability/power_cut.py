"""What a disk may hold after a power cut: what was not synced by then may be lost, in any mixture."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.durability.operations import Operation


@dataclass
class _File:
    """What is in a file. Attributes: written: As processes see it. synced: What is on the disk for sure."""

    written: bytes = b""
    synced: bytes = b""

    def after_a_cut(self, draws: random.Random) -> bytes:
        """Return what may be on the disk: what was synced, all, a beginning, or zeros where data have not come yet."""
        if self.written == self.synced:
            return self.synced
        beginning = self.written[: draws.randrange(len(self.written) + 1)]
        return draws.choice([self.synced, self.written, beginning, bytes(len(self.written)), b""])


Entry = _File | None
"""What a name stands for; None: a folder."""

Change = Mapping[str, Entry | bool]
"""What one operation does to names, which happens as a whole or not at all; False: the name goes."""


@dataclass
class Disk:
    """A disk, as a file system may leave it that promises no more than POSIX does.

    What is written is there for sure after an fsync of the file; that a name is made, changed or removed, after one of
    its folder. Until then each of these may have happened or not, in any order.

    Attributes:
        names: By path, as processes see them.
        lasting: By path, as they are on the disk for sure.
        pending: Changes of names by folder, that may or may not have come to the disk.
    """

    names: dict[str, Entry] = field(default_factory=dict)
    lasting: dict[str, Entry] = field(default_factory=dict)
    pending: dict[str, list[Change]] = field(default_factory=dict)

    def do(self, operation: Operation) -> None:
        """Let an operation happen."""
        path, target = operation.path, operation.target
        if operation.name == "open" and path not in self.names:
            self._change(path, {path: _File()})
        elif operation.name == "mkdir" and path not in self.names:
            self._change(path, {path: None})
        elif operation.name == "write":
            self._file(path).written += operation.data
        elif operation.name == "fsync":
            if isinstance(self.names.get(path), _File):
                self._file(path).synced = self._file(path).written
            for change in self.pending.pop(path, []):
                _apply(change, self.lasting)
        elif operation.name == "rename":
            self._change(path, {path: False, target: self.names[path]})
        elif operation.name in {"unlink", "rmdir"}:
            self._change(path, {path: False})

    def after_a_cut(self, draws: random.Random) -> dict[str, bytes]:
        """Return the files of one state that a power cut may leave now, content by path."""
        names = dict(self.lasting)
        for changes in self.pending.values():
            kept = draws.choice([changes, [], changes[: draws.randrange(len(changes) + 1)], _some(changes, draws)])
            for change in kept:
                _apply(change, names)
        return {
            path: entry.after_a_cut(draws)
            for path, entry in names.items()
            if isinstance(entry, _File) and _is_reached(path, names, self.names)
        }

    def _file(self, path: str) -> _File:
        entry = self.names[path]
        assert isinstance(entry, _File), path
        return entry

    def _change(self, path: str, change: Change) -> None:
        _apply(change, self.names)
        self.pending.setdefault(str(Path(path).parent), []).append(change)


def states(operations: Sequence[Operation], count: int, seed: int) -> Iterator[tuple[int, dict[str, bytes]]]:
    """Yield states that a power cut may leave, spread over the operations of a process.

    Args:
        operations: In their order.
        count: How many states.
        seed: Of what is lost.

    Returns:
        After how many operations the power was cut, and content by path.
    """
    disk, done = Disk(), 0
    for number in range(count):
        until = (number + 1) * len(operations) // count
        for operation in operations[done:until]:
            disk.do(operation)
        done = until
        yield done, disk.after_a_cut(random.Random(f"{seed} {number}"))


def versions(operations: Sequence[Operation]) -> dict[str, list[tuple[int, bytes]]]:
    """Return what each file was whole, in turn, by path: after how many operations that was to last, and its content.

    A file is whole when it is renamed, and to last when its folder is synced next.
    """
    disk, found = Disk(), dict[str, list[tuple[int, bytes]]]()
    renamed: list[tuple[str, bytes]] = []
    for number, operation in enumerate(operations, 1):
        if operation.name == "rename":
            renamed.append((operation.target, disk._file(operation.path).written))
        disk.do(operation)
        if operation.name == "fsync":
            for path, content in renamed:
                if str(Path(path).parent) == operation.path:
                    found.setdefault(path, []).append((number, content))
            renamed = [item for item in renamed if str(Path(item[0]).parent) != operation.path]
    return found


def put(files: Mapping[str, bytes], place: Path, folder: Path) -> None:
    """Write the files of a state, whose paths are below a place, into a folder instead."""
    for path, content in files.items():
        target = folder / Path(path).relative_to(place)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _apply(change: Change, names: dict[str, Entry]) -> None:
    for path, entry in change.items():
        if entry is False:
            names.pop(path, None)
        else:
            assert not isinstance(entry, bool)
            names[path] = entry


def _some(changes: Sequence[Change], draws: random.Random) -> list[Change]:
    return [change for change in changes if draws.random() < 0.5]


def _is_reached(path: str, names: Mapping[str, Entry], seen: Mapping[str, Entry]) -> bool:
    """Tell whether the folders that a process has made for a file are on the disk too."""
    return all(str(folder) in names for folder in Path(path).parents if str(folder) in seen)
