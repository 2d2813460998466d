"""Files of a finished or stopped run that are damaged, and what its commands then do."""

import random
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.durability.experiments import FOLDER, command
from tests.durability.runs import End, Runner, differences
from tests.durability.stops import READINGS, last_line
from tests.golden.cases import Case

BIT, DIGIT, CUT, ZEROS, EMPTY, GONE, LIST = "a bit", "a digit", "cut off", "zeros", "empty", "gone", "[]"
KINDS = (BIT, DIGIT, CUT, ZEROS, EMPTY, GONE, LIST)

_TEXT = {".csv", ".json", ".yaml", ".txt"}
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

_WRITTEN = {"analysis", "report.html", "tmp"}
"""What the commands write beside the runs."""


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


def files_of(place: Path) -> list[str]:
    """Return the files of an experiment's folder: of its runs and what they read."""
    paths = (path.relative_to(place) for path in place.rglob("*") if path.is_file())
    return sorted(str(path) for path in paths if path.parts[0] not in _WRITTEN and not path.name.startswith("."))


def sort_of(file: str) -> str:
    """Return what sort of file it is: its name, or of levels, checkpoints and images what they are."""
    path = Path(file)
    if path.suffix in {".ckpt", ".png"} and path.name != "curve.png":
        return path.parent.name if path.suffix == ".ckpt" else "image"
    return path.name


class Damaged:
    """A run whose files are damaged one at a time.

    Args:
        runner: What runs it.
        case: The experiment.
        stopped: Whether the run is damaged after a kill, and not when it is finished.
    """

    def __init__(self, runner: Runner, case: Case, *, stopped: bool = False) -> None:
        self._runner, self._case, self._stopped = runner, case, stopped
        self._whole = self.place = runner.undisturbed(case).folder
        if stopped:
            self.place = runner.stopped(case)

    def with_damage(self, file: str, kind: str, seed: int) -> Damage:
        """Damage a file, read the run, and give its command again.

        What is read must be what was written or be refused in a line that names the file or its folder; afterwards the
        run must be whole again, or the command must have named the file.
        """
        place = self._runner.place / "damaged"
        shutil.copytree(self.place, place)
        if kind == GONE:
            (place / file).unlink()
        else:
            (place / file).write_bytes(damaged((place / file).read_bytes(), kind, random.Random(seed)))
        read = self._read(place, file, kind, seed) if Path(file).is_relative_to(FOLDER) else []
        wrong = [*read, *self._given_again(place, file)]
        shutil.rmtree(place)
        return Damage(file, kind, tuple(wrong))

    def _read(self, place: Path, file: str, kind: str, seed: int) -> list[str]:
        """Compare what `analyze` or `report`, or `test` of a level, says; `data.json` may be removed."""
        arguments = READINGS[seed % len(READINGS)]
        if sort_of(file) == "levels":
            arguments = ["test", *command(self._case)[1:], "--ckpt_path", file]
        elif file.endswith("config.yaml"):
            arguments = ["test", "--config", file, "--ckpt_path", f"{FOLDER}/levels/level-000.ckpt"]
        sound = self._runner.once(arguments, self.place)
        end = self._runner.run(arguments, place)
        page, sound_page = _page(place), _page(self.place)
        if (
            (end == sound and page == sound_page)
            or page.count(Path(file).name) > sound_page.count(Path(file).name)  # it says what it could not read
            or (file.endswith("data.json") and kind == GONE and "Traceback" not in end.said)
            or (end.status == sound.status and _names(file, end.said))
        ):
            return []
        return _refused(end, file, f"{arguments[0]} reads it")

    def _given_again(self, place: Path, file: str) -> list[str]:
        end = self._runner.run(command(self._case), place)
        left = differences(self._whole, place)
        if end.status == 0 and (not left or _names(file, end.said)):
            return []
        if end.status == 0 and all(_is_not_read(found, file) for found in left):
            return []
        return _refused(end, file, f"fit leaves {', '.join(left)}")


def _is_not_read(found: str, file: str) -> bool:
    """Tell whether a difference that a damaged file has left is in what a finished run does not read; others are told.

    Without `checksums.json` the files beside it are read unchecked, as those of earlier versions.

    Args:
        found: The difference.
        file: What was damaged.
    """
    if not Path(file).is_relative_to(FOLDER):
        return f" {Path(file).parent}/" in found
    own = found.endswith(f" {file}") and file.endswith((".ckpt", "config.yaml", ".png"))
    return own or (file.endswith("checksums.json") and found.endswith(("config.yaml", f"missing: {file}")))


def _page(place: Path) -> str:
    """Return the page that `report` has written, without the time; empty: it has not."""
    page = place / "report.html"
    return _TIME.sub("", page.read_text()) if page.is_file() else ""


def _names(file: str, said: str) -> bool:
    return Path(file).name in said and ("damaged" in said or "missing" in said or "no checkpoint" in said)


def _refused(end: End, file: str, otherwise: str) -> list[str]:
    last = last_line(end.said)
    if end.timed_out:
        return ["it hangs"]
    if "Traceback" in end.said:
        return [f"a traceback: {last}"]
    if end.status == 0:
        return [f"{otherwise}: {last}"]
    return [] if Path(file).name in end.said else [f"does not name the file: {last}"]


def every(files: Sequence[str], count: int, first: int) -> list[tuple[str, str]]:
    """Return so many damages, spread over sorts of files and kinds of damage.

    Args:
        files: What there is.
        count: How many.
        first: Number of the first; those of further numbers differ from these.

    Returns:
        For each a file and a kind of damage that it can have.
    """
    sorts: dict[str, list[str]] = {}
    for file in files:
        sorts.setdefault(sort_of(file), []).append(file)
    chosen = []
    for number in range(first, first + count):
        of_sort = sorts[sorted(sorts)[number % len(sorts)]]
        turn = number // len(sorts) + number
        file = of_sort[turn % len(of_sort)]
        kinds = [kind for kind in KINDS if kind != DIGIT or Path(file).suffix in _TEXT]
        chosen.append((file, kinds[turn % len(kinds)]))
    return chosen
