"""The settings that identify a run, and how those of two runs compare."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sdd.errors import DamagedError, UserError

FORMAT = 1
"""Format number of `settings.json`; a run that was written in another format is refused."""

SEED = "seed_everything"
SPARSITIES = "pruning.sparsities"
MASKS_FROM = "pruning.masks_from"
MASKS_SHUFFLED = "pruning.masks_shuffled"
CODE = "code"
"""Last name of the settings that tell apart what no import path of a module names: see `sdd.object_digest`."""
DISTILL_FROM = "model.distill_from"


@dataclass(frozen=True)
class Settings:
    """The settings that decide the numbers of a run, as flat dotted keys.

    Attributes:
        chosen: Those that differ from the defaults of the version that the run started with. They alone tell runs
            apart, so that a new option whose default changes nothing makes no other run.
        values: All that decide numbers, with the values that were in effect.
        measures: What the run measures beside its numbers, as far as chosen; they do not identify the run.
    """

    chosen: Mapping[str, Any]
    values: Mapping[str, Any]
    measures: Mapping[str, Any] = field(default_factory=dict)

    def digest(self) -> str:
        """Return 8 hex digits that are the same for the same chosen settings."""
        return digest(self.chosen)

    @property
    def levels(self) -> int | None:
        """How many levels the run trains, the dense one included; None where the settings do not say."""
        return expected_levels(self.values)

    def content(self) -> dict[str, Any]:
        """Return what `settings.json` holds."""
        held = {"chosen": self.chosen, "values": self.values, "measures": self.measures}
        return {"format": FORMAT} | {name: dict(part) for name, part in held.items()}

    @classmethod
    def of_content(cls, content: Any, file: object) -> "Settings":
        """Return the settings that a `settings.json` holds.

        Args:
            content: Of the file.
            file: Its path, for messages.

        Raises:
            UserError: It is written in another format.
            DamagedError: It is damaged.
        """
        if not isinstance(content, Mapping):
            raise DamagedError(f"{file} is damaged: it holds no settings by name")
        if content.get("format") != FORMAT:
            written = f"in format {content['format']}" if "format" in content else "before its format had a number"
            raise UserError(
                f"{file} was written {written}, by another version of sdd; this one reads format {FORMAT}: use that "
                "version for this run, or train it anew in another folder"
            )
        parts = [content.get(name) for name in ("chosen", "values", "measures")]
        if not all(isinstance(part, Mapping) for part in parts):
            raise DamagedError(f"{file} is damaged: it lacks chosen, values or measures")
        return cls(*(dict(part) for part in parts if isinstance(part, Mapping)))

    def going_on(self, now: "Settings") -> "Settings":
        """Return the settings of a resumed run, which keeps those that it was started with and may measure more.

        Args:
            now: Those of the command that goes on with it.
        """
        sections = {name.partition(".")[0] for name in now.measures}
        kept = {name: value for name, value in self.measures.items() if name.partition(".")[0] not in sections}
        return Settings(self.chosen, {**now.values, **self.values}, {**kept, **now.measures})


@dataclass(frozen=True)
class Difference:
    """How the settings of a command differ from those that a run was started with.

    Attributes:
        conflicts: Settings in which it is another run, as words.
        moved: Settings that nobody chose and whose default has another value now: that at the start, and today's.
    """

    conflicts: tuple[str, ...]
    moved: Mapping[str, tuple[Any, Any]]


def difference(stored: Settings, now: Settings) -> Difference:
    """Compare a run with a command.

    The run is that of the command if every setting that either has chosen has the same value in both. A setting that
    one of them lacks altogether, since its version has no such option, is at its default there.

    Args:
        stored: Of the run, when it was started.
        now: Of the command.
    """
    conflicts = [
        _conflict(key, stored.values, now.values)
        for key in sorted(stored.chosen.keys() | now.chosen.keys())
        if (key in stored.values) != (key in now.values) or not same(stored.values[key], now.values[key])
    ]
    moved = {}
    for key in stored.values.keys() - stored.chosen.keys() - now.chosen.keys():
        place = key.removesuffix(".class_path")
        if key in now.values:
            if not same(stored.values[key], now.values[key]):
                moved[key] = (stored.values[key], now.values[key])
        elif f"{key}.class_path" in now.values.keys() - now.chosen.keys():
            moved[key] = (stored.values[key], now.values[f"{key}.class_path"])
        elif place in now.values.keys() - now.chosen.keys():
            moved[place] = (stored.values[key], now.values[place])
    return Difference(tuple(conflicts), dict(sorted(moved.items())))


def _conflict(key: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    name, _, last = key.rpartition(".")
    if last == CODE and key in then and key in now:
        hint = (
            "; where it only watches, its class says so: decides_numbers = False"
            if name.startswith("trainer.callbacks")
            else ""
        )
        return (
            f"{name} does something else than it did: its functions or classes, or what they use, have changed "
            f"({now[key]}, before {then[key]}){hint}"
        )
    return f"{key} is {_shown(now, key)} but was {_shown(then, key)}"


def expected_levels(values: Mapping[str, Any]) -> int | None:
    """Return how many levels a run of some settings trains, the dense one included; None where they do not say.

    Args:
        values: Flat.
    """
    sparsities, prunings = values.get(SPARSITIES), values.get("pruning.levels")
    if isinstance(sparsities, list):
        return len(sparsities) + 1
    if values.get(MASKS_FROM) is not None or values.get("pruning.schedule") is not None:
        return None  # the masks, or the schedule, may be for fewer levels
    return prunings + 1 if isinstance(prunings, int) else None


def digest(settings: Mapping[str, Any]) -> str:
    """Return 8 hex digits that are the same for the same settings."""
    return digest_of_text(json.dumps(dict(settings), sort_keys=True))


def digest_of_text(text: str) -> str:
    """Return 8 hex digits that are the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that two do not share, sorted; null is like none."""
    return [key for key in sorted({*one, *other}) if not same(one.get(key), other.get(key))]


def same(one: Any, other: Any) -> bool:
    """Tell whether two settings are the same: 1 is 1.0, but not true."""
    return canonical(one) == canonical(other)


def canonical(value: Any) -> str:
    """Return a text that is the same for settings that are the same."""
    return json.dumps(json.loads(json.dumps(value), parse_float=_number), sort_keys=True)


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() else number


def _shown(values: Mapping[str, Any], key: str) -> str:
    return json.dumps(values[key]) if key in values else "not set"
