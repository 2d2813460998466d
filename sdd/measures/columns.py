"""Descriptions of columns of numbers: name, label, unit, colour, direction and cost, given once, beside the measure."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from sdd.errors import UserError

OTHER_COLOUR = "#CC79A7"

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_BEFORE = "_before"
_LAYER = "/"


@dataclass(frozen=True)
class Column:
    """A column of `curve.csv`, which is also a metric of every logger.

    Attributes:
        name: In `curve.csv`, W&B and everywhere else.
        label: In figures and tables, lower case, such as `test accuracy`.
        note: What it is, in half a sentence.
        unit: `fraction` is in [0, 1] and shown in percent; else the unit's name, empty for pure numbers.
        colour: Of its lines, as #RRGGBB; the built-in ones are from Okabe and Ito's palette, which colour-blind
            readers tell apart.
        better: Which direction is the better one; empty where neither is.
        cost: Of measuring it once, in words; empty where that is next to nothing.
        section: Of the W&B workspace; measures of one section share a figure of `analyze`.
        detail: Whether it only says how another column was come by, or repeats one in parts: not drawn, and not
            correlated with test accuracy.
        shown: Whether the report shows it at first, and a run's picture has a panel for it.
        correlated: Whether its rank correlation with test accuracy over levels is given.
        settings: How it was measured, by name: runs in which these differ are not averaged.

    Raises:
        UserError: The name is empty, or colour or direction is not allowed.
    """

    name: str
    label: str
    note: str = ""
    unit: str = ""
    colour: str = OTHER_COLOUR
    better: Literal["higher", "lower", ""] = ""
    cost: str = ""
    section: str = "Measures"
    detail: bool = False
    shown: bool = True
    correlated: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name or not self.label:
            raise UserError(f"column {self.name!r} with the label {self.label!r}: it needs a name and a label")
        if not _COLOUR.fullmatch(self.colour):
            raise UserError(f"column {self.name}: colour is {self.colour!r}; it must be #RRGGBB, such as #CC79A7")
        if self.better not in ("higher", "lower", ""):
            raise UserError(f"column {self.name}: better is {self.better!r}; allowed: 'higher', 'lower', ''")

    @property
    def fraction(self) -> bool:
        """Whether the values are fractions in [0, 1], shown in percent."""
        return self.unit == "fraction"

    @property
    def factor(self) -> float:
        """Factor by which values are multiplied where they are shown: 100 for fractions, else 1."""
        return 100.0 if self.fraction else 1.0

    @property
    def title(self) -> str:
        """Label and, in brackets, the unit in which its values are shown."""
        unit = "%" if self.fraction else self.unit
        return f"{self.label} ({unit})" if unit else self.label

    def measured_with(self, **settings: Any) -> "Column":
        """Return the column with further settings that it was measured with."""
        return replace(self, settings={**self.settings, **settings})

    def measured_otherwise(self, other: "Column") -> tuple[str, str, str] | None:
        """Return the first setting with which another column was measured differently, and its two values in words.

        A setting that only one of them names does not count: the version of the other did not have it.
        """
        mine, theirs = (column.as_dict()["settings"] for column in (self, other))
        for name in mine:
            if name in theirs and mine[name] != theirs[name]:
                return name, json.dumps(mine[name]), json.dumps(theirs[name])
        return None

    def as_dict(self) -> dict[str, Any]:
        """Return the column as a dictionary that JSON can hold."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return plain

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Column":
        """Return the column that `as_dict` turned into a dictionary; unknown entries are ignored.

        Raises:
            UserError: A value is not allowed.
        """
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in content.items() if name in known})


LEVEL = Column("level", "level", "number of prunings", detail=True)
SPARSITY = Column("sparsity", "sparsity", "fraction of prunable weights removed", "fraction", detail=True)
REMAINING = Column("remaining", "number of remaining weights", "prunable weights that survive", detail=True)
REMAINING_FRACTION = Column(
    "remaining_fraction", "remaining weights", "fraction of prunable weights that survive", "fraction", detail=True
)
SECONDS = Column("seconds", "time", "wall time of the level", "s", detail=True)

LEVEL_COLUMNS = (LEVEL, SPARSITY, REMAINING, REMAINING_FRACTION, SECONDS)
"""Columns of the level itself, whatever is measured."""


def describe(name: str, declared: Mapping[str, Column]) -> Column:
    """Return the column of a name.

    Args:
        name: Declared; or `NAME_before`, of the network that a level started from; or `NAME/PARAMETER`, the part of
            one parameter. Of any other nothing is known but its name.
        declared: Columns by their names.
    """
    if name in declared:
        return declared[name]
    whole = declared.get(name.removesuffix(_BEFORE))
    if whole is not None:
        return replace(whole, name=name, label=f"{whole.label}, before training", shown=False, correlated=False)
    stem, _, parameter = name.partition(_LAYER)
    if parameter and stem in declared:
        return replace(declared[stem], name=name, label=f"{declared[stem].label}, {parameter}", detail=True)
    return Column(name, name)
