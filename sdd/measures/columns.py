"""What is known of a column of numbers: its name, label, unit, colour, direction and cost, said once by its measure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

OTHER_COLOUR = "#CC79A7"


@dataclass(frozen=True)
class Column:
    """A column of `curve.csv`, which is also a metric of every logger.

    Attributes:
        name: In `curve.csv`, W&B and everywhere else.
        label: In figures and tables, lower case, such as `test accuracy`.
        note: What it is, in half a sentence.
        unit: `fraction` is in [0, 1] and shown in percent; else the unit's name, empty for pure numbers.
        colour: Of its lines, from Okabe and Ito's palette, which colour-blind readers tell apart.
        better: Which direction is the better one; empty where neither is.
        cost: Of measuring it once, in words; empty where that is next to nothing.
        detail: Whether it only says how another column was come by, or repeats one in parts: not drawn, not
            correlated with test accuracy.
        shown: Whether the report shows it at first.
    """

    name: str
    label: str
    note: str = ""
    unit: str = ""
    colour: str = OTHER_COLOUR
    better: Literal["higher", "lower", ""] = ""
    cost: str = ""
    detail: bool = False
    shown: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Column":
        """Return what `as_dict` made; entries of later versions are passed over."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in content.items() if name in known})
