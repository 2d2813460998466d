"""Files of a finished or stopped run that are damaged, and what its commands then do."""

import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.durability.runs import FOLDER, End, Runner, command, differences
from tests.golden.cases import Case

BIT, DIGIT, CUT, ZEROS, EMPTY, GONE, LIST = "a bit", "a digit", "cut off", "zeros", "empty", "gone", "[]"
KINDS = (BIT, DIGIT, CUT, ZEROS, EMPTY, GONE, LIST)

_TEXT = {".csv", ".json", ".yaml"}
_UNCHECKED = {".lock", "curve.png", "config.yaml"}
"""Nothing is computed from these: `config.yaml` is for people, and is written anew at each start."""


@dataclass(frozen=True)
class Damage:
    """What a damaged file led to.

    Attributes:
        file: Its path in the run.
        kind: One of `KINDS`.
        wrong: What is not as it should be, in words; empty: nothing.
    """

    file: str
    kind: str
    wrong: tuple[str, ...]


def damaged(content: bytes, kind: str, draws: random.Random) -> bytes:
    """Return content with a damage that changes it."""
    if kind == BIT:
        place = draws.randrange(len(content))
        return content[:place] + bytes([content[place] ^ 1 << draws.randrange(8)]) + content[place + 1 :]
    if kind == DIGIT:
        place = draws.choice([place for place, byte in enumerate(content) if chr(byte).isdigit()])
        return content[:place] + b"%d" % ((content[place] - ord("0") + 1) % 10) + content[place + 1 :]
    return {CUT: content[: len(content) // 2], ZEROS: bytes(len(content)), EMPTY: b"", LIST: b"[]\n"}[kind]


def files_of(folder: Path) -> list[str]:
    """Return the files of a run that are read again."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in _UNCHECKED)
    return sorted(str(path.relative_to(folder)) for path in files)


class Damaged:
    """A run whose files are damaged one at a time.

    Args:
        runner: What runs it.
        case: The experiment.
        whole: Folder in which it is finished.
    """

    def __init__(self, runner: Runner, case: Case, whole: Path) -> None:
        self._runner, self._case, self._whole = runner, case, whole
        self._sound: dict[str, End] = {}

    def with_damage(self, file: str, kind: str, seed: int) -> Damage:
        """Damage a file, read the run, and give its command again.

        What is read must be what was written or be refused in a line that names the file or its folder; afterwards the
        run must be whole again, or the command must have named the file.
        """
        place = self._runner.place / "damaged"
        shutil.copytree(self._whole, place)
        run = place / FOLDER
        if kind == GONE:
            (run / file).unlink()
        else:
            (run / file).write_bytes(damaged((self._whole / FOLDER / file).read_bytes(), kind, random.Random(seed)))
        wrong = [*self._read(place, file, kind), *self._given_again(place, file)]
        shutil.rmtree(place)
        return Damage(file, kind, tuple(wrong))

    def _read(self, place: Path, file: str, kind: str) -> list[str]:
        """Compare what `analyze`, or `test` of a level, says; `data.json` may be removed."""
        arguments = ["analyze", FOLDER, "--out", "analysis"]
        if file.startswith("levels"):
            arguments = ["test", *command(self._case)[1:], "--ckpt_path", f"{FOLDER}/{file}"]
        asked = " ".join(arguments)
        if asked not in self._sound:
            self._sound[asked] = self._runner.run(arguments, self._whole)
            shutil.rmtree(self._whole / "analysis", ignore_errors=True)
        end, sound = self._runner.run(arguments, place), self._sound[asked]
        shutil.rmtree(place / "analysis", ignore_errors=True)
        if (
            end == sound
            or (file == "data.json" and kind == GONE)
            or (end.status == sound.status and _names(file, end.said))
        ):
            return []
        return _refused(end.status, end.said, file, f"{arguments[0]} reads it")

    def _given_again(self, place: Path, file: str) -> list[str]:
        end = self._runner.run(command(self._case), place)
        left = differences(self._whole, place)
        if end.status == 0 and (not left or _names(file, end.said)):
            return []
        if end.status == 0 and file.endswith(".ckpt") and all(found.endswith(f"{FOLDER}/{file}") for found in left):
            return []  # a finished run reads neither its levels nor its checkpoint; who builds on one is told
        return _refused(end.status, end.said, file, f"fit leaves {', '.join(left)}")


def _names(file: str, said: str) -> bool:
    return Path(file).name in said and ("damaged" in said or "missing" in said or "no checkpoint" in said)


def _refused(status: int, said: str, file: str, otherwise: str) -> list[str]:
    last = (said.splitlines() or ["(nothing)"])[-1]
    if "Traceback" in said:
        return [f"a traceback: {last}"]
    if status == 0:
        return [f"{otherwise}: {last}"]
    return [] if Path(file).name in said else [f"does not name the file: {last}"]


def every(files: Sequence[str], count: int, seed: int) -> list[tuple[str, str, int]]:
    """Return so many damages: a file, a kind that it can have, and a seed; spread over all."""
    pairs = [(file, kind) for kind in KINDS for file in files if kind != DIGIT or Path(file).suffix in _TEXT]
    step = max(len(pairs) / max(count, 1), 1)
    return [(*pairs[int(number * step + seed) % len(pairs)], seed + number) for number in range(count)]
