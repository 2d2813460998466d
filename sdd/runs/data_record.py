"""What the data of a run are: label noise as it was drawn, and fingerprints by which a change is found."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sdd.runs.settings import same

FORMAT = 1
"""Format number of the file that holds a record."""

_NUMBERS = re.compile(r"\[[\d\s,.e+-]*\]")


@dataclass(frozen=True)
class PartRecord:
    """What one part of the data is.

    Attributes:
        transitions: How many examples of each true class (row) have each label (column), C × C.
        images: Fingerprint of the images.
        true_labels: Of the labels before noise.
        labels: Of those after it.
    """

    transitions: Sequence[Sequence[int]]
    images: str
    true_labels: str
    labels: str

    @property
    def examples(self) -> int:
        """How many there are."""
        return sum(self.per_class)

    @property
    def per_class(self) -> list[int]:
        """How many there are of each true class."""
        return [sum(row) for row in self.transitions]

    @property
    def wrong(self) -> int:
        """How many have another label than their true one."""
        return self.examples - sum(row[label] for label, row in enumerate(self.transitions))

    @property
    def noise_rate(self) -> float:
        """Fraction of wrong labels, in [0, 1]."""
        return self.wrong / self.examples


@dataclass(frozen=True)
class DataRecord:
    """What the data of a run are.

    Attributes:
        parts: `train`, `val` where there is one, and `test`.
        mean: Mean of each channel by which images are normalised.
        std: Standard deviation of each channel.
    """

    parts: Mapping[str, PartRecord]
    mean: Sequence[float]
    std: Sequence[float]

    def text(self) -> str:
        """Return it in JSON, a row of a matrix on a line; sizes and rates are there for people, who need not count."""
        parts = {}
        for name, part in self.parts.items():
            counted = {"examples": part.examples, "wrong": part.wrong, "noise_rate": part.noise_rate}
            parts[name] = counted | asdict(part)
        content = {"format": FORMAT, "mean": list(self.mean), "std": list(self.std), "parts": parts}
        return _NUMBERS.sub(lambda found: " ".join(found[0].split()), json.dumps(content, indent=1)) + "\n"

    @classmethod
    def of_content(cls, content: Any) -> "DataRecord":
        """Return the record that a file holds.

        Raises:
            ValueError: It holds none of this format; the message completes "it is damaged: ".
        """
        if not isinstance(content, Mapping):
            raise ValueError("it holds no record of data")
        if content.get("format") != FORMAT:
            raise ValueError(f"it is of format {content.get('format')!r}, and this version of sdd reads {FORMAT}")
        try:
            parts = {
                name: PartRecord(part["transitions"], part["images"], part["true_labels"], part["labels"])
                for name, part in content["parts"].items()
            }
            record = cls(parts, list(content["mean"]), list(content["std"]))
            _ = [part.noise_rate for part in parts.values()]
        except (AttributeError, IndexError, KeyError, TypeError, ZeroDivisionError) as error:
            raise ValueError("it holds no record of data") from error
        return record


def comparable_parts(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which parts of the data must be the same by the settings of two runs; none where they ask for others.

    Args:
        one: Settings of a run, by flat dotted keys.
        other: Of the other.
    """
    if _differ(one, other, _DECIDE_ALL):
        return ()
    return ("test",) if _differ(one, other, _DECIDE_TRAINING) else ("train", "val", "test")


def _differ(one: Mapping[str, Any], other: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Tell whether two runs differ in a setting of the data that both have."""
    return any(
        not same(one[key], other[key])
        for key in one.keys() & other.keys()
        if any(key == f"data.{name}" or key.startswith(f"data.{name}.") for name in names)
    )


def changes(then: DataRecord, now: DataRecord, parts: Sequence[str]) -> list[str]:
    """Return how the data differ from those of another time, in words; empty where they are the same.

    Args:
        then: Of that time.
        now: Of today.
        parts: Those that must be the same: `comparable_parts`.
    """
    found: list[str] = []
    for name in parts:
        before, after = then.parts.get(name), now.parts.get(name)
        words = _WORDS.get(name, name)
        if before is None and after is None:
            continue
        if before is None or after is None:
            found.append(f"there was no {words} part" if before is None else f"there is no {words} part now")
        else:
            found += _part_changes(words, before, after)
    if parts and (list(then.mean), list(then.std)) != (list(now.mean), list(now.std)):
        found.append("mean and standard deviation of the channels differ")
    return found


def teaching_changes(then: DataRecord, now: DataRecord) -> list[str]:
    """Return in what the training data of a teacher are not those of the run that learns from it, in words.

    Images, classes, true labels and normalisation must be the same; noisy labels may be others.

    Args:
        then: Of the teacher.
        now: Of the run.
    """
    before, after = then.parts["train"], now.parts["train"]
    found = _part_changes("training", replace(before, labels=""), replace(after, labels=""))
    if not found and (list(then.mean), list(then.std)) != (list(now.mean), list(now.std)):
        found.append("mean and standard deviation of the channels differ")
    return found


_DECIDE_ALL = ("dataset", "dataset_args", "root", "load_size")
_DECIDE_TRAINING = (
    "train_size",
    "val_size",
    "subset_seed",
    "noise_type",
    "noise_type_args",
    "noise_rate",
    "noise_seed",
    "noise_file",
    "noise_key",
)
_WORDS = {"train": "training", "val": "validation"}
_SHOWN = 3


def _part_changes(words: str, before: PartRecord, after: PartRecord) -> list[str]:
    classes = len(before.transitions), len(after.transitions)
    if classes[0] != classes[1]:
        return [f"{classes[0]} classes, now {classes[1]}"]
    counted = [
        f"{then:,} of class {label}, now {now:,}"
        for label, (then, now) in enumerate(zip(before.per_class, after.per_class, strict=True))
        if then != now
    ]
    more = [f"and {len(counted) - _SHOWN} classes more"] if len(counted) > _SHOWN else []
    where = f" ({', '.join(counted[:_SHOWN] + more)})" if counted else ""
    if before.examples != after.examples:
        return [f"{before.examples:,} {words} examples, now {after.examples:,}{where}"]
    found = []
    if before.images != after.images:
        found.append(f"other {words} images or another order of them")
    if before.true_labels != after.true_labels:
        found.append(f"other true labels of the {words} images{where}")
    if before.labels != after.labels and (before.true_labels == after.true_labels or before.wrong != after.wrong):
        found.append(f"other noisy labels of the {words} images ({before.wrong:,} wrong, now {after.wrong:,})")
    return found
