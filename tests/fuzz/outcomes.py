"""What may become of a command line, and which of it is well."""

from dataclasses import dataclass

from tests.fuzz.copies import RAISED, Ended

WELL = ("trained", "tried", "stopped", "worked", "said", "refused")
"""Ends of a command line that are as they must be."""

LONGEST = 2100
"""Characters of a line that an error may take."""


@dataclass(frozen=True)
class Outcome:
    """What became of a command line.

    Attributes:
        line: The command line, in short.
        section: What it tries, for counting.
        end: One of `WELL`, or what is wrong.
        said: What it has printed last, or evidence of what is wrong.
    """

    line: str
    section: str
    end: str
    said: str

    @property
    def well(self) -> bool:
        """Whether it did what was asked, or said in one line why not."""
        return self.end in WELL


def wrong_end(ended: Ended) -> tuple[str, str] | None:
    """Return what is wrong with how any command has ended, and evidence; None where nothing is."""
    lines = ended.err.splitlines()
    last = lines[-1] if lines else ""
    if ended.status is None:
        return "hangs", last
    if ended.status == RAISED or "Traceback" in ended.err or "Traceback" in ended.out:
        return "traceback", last
    warned = [line for line in lines if "Warning: " in line]
    if warned:
        return "warning", warned[0]
    errors = [line for line in lines if line.startswith("sdd: error: ")]
    if ended.status == 2 and (errors != [last] or len(last) > LONGEST):
        return "not one line", f"{len(lines)} lines, {len(ended.err)} characters: {' | '.join(lines)[:300]}"
    return None
