"""The label noise of an experiment: its type, rate and seed, and what they make of clean labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdd.data.array_text import described
from sdd.data.noise import NOISE_TYPES, CleanLabels, LabelFile, Labels, Noise, Places
from sdd.errors import UserError
from sdd.failures import naming
from sdd.seeding import Stream


@dataclass(frozen=True)
class LabelNoise:
    """Label noise of a chosen type, rate and seed.

    Attributes:
        name: Of its type, as the user gave it.
        part: The noise type.
        rate: Noise rate, in [0, 1].
        seed: Decides which labels are wrong, and how.
        file: A file of labels, for a type that reads one.
        key: Which entry of that file.

    Raises:
        UserError: The rate is outside [0, 1], or there is a file without a type that reads one, or the other way round.
    """

    name: str
    part: Noise
    rate: float
    seed: int = 0
    file: Path | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise UserError(
                f"noise rate {self.rate} is outside [0, 1]: set --data.noise_rate to a fraction of the labels"
            )
        if self.part.reads_file and self.file is None:
            raise UserError(f"noise type {self.name} needs a file of labels: set --data.noise_file")
        for setting, value in (("noise_file", self.file), ("noise_key", self.key)):
            if value is not None and not self.part.reads_file:
                raise UserError(
                    f"data.{setting} is {value}, but noise type {self.name} reads no file: leave it unset, or set "
                    "--data.noise_type human"
                )

    def check_look_alikes(self, look_alikes: Mapping[int, int] | None, dataset: str) -> None:
        """Raise a UserError where the type needs look-alike classes and the data set knows none."""
        if self.part.needs_look_alikes and look_alikes is None:
            others = [name for name in NOISE_TYPES.names if not NOISE_TYPES.get(name).needs_look_alikes]
            raise UserError(
                f"{self.name} noise is not defined for {dataset}, which knows no look-alike classes; allowed there: "
                f"{', '.join(others)}"
            )

    def noisy(
        self,
        labels: Labels,
        num_classes: int,
        look_alikes: Mapping[int, int] | None,
        split: str,
        places: Places,
        size: int,
        classes: Sequence[str] | None = None,
        files: Sequence[str] | None = None,
    ) -> Labels:
        """Make some of the labels wrong.

        Args:
            labels: True labels, int64 of shape [N], in [0, num_classes).
            num_classes: C.
            look_alikes: From class to the class it is mistaken for; None where none are known.
            split: Whose labels they are, such as `train`; the noise of two splits is drawn independently.
            places: Which examples of the stored training set they are, int64 of shape [N].
            size: Examples of the stored training set.
            classes: Names of the classes, by number; None: they have none.
            files: What each image of the stored training set was read from; None: not from a file each.

        Returns:
            Noisy labels, int64 of shape [N], in [0, num_classes).

        Raises:
            UserError: The noise type gives something else.
        """
        clean = CleanLabels(
            labels=labels.copy(),
            num_classes=num_classes,
            rate=self.rate,
            stream=Stream(self.seed, f"{split} label noise"),
            look_alikes=look_alikes,
            file=None if self.file is None else LabelFile(self.file, self.key, size, places, classes, files),
        )
        with naming(f"noise type {self.name}"):
            noisy = self.part.apply(clean)
        if not isinstance(noisy, np.ndarray) or noisy.shape != labels.shape or noisy.dtype.kind not in "iu":
            raise UserError(
                f"noise type {self.name} gives {described(noisy)}; it must give a NumPy array of integers of shape "
                f"{list(labels.shape)}"
            )
        if noisy.size and (noisy.min() < 0 or noisy.max() >= num_classes):
            raise UserError(
                f"noise type {self.name} gives labels from {noisy.min()} to {noisy.max()}; allowed: 0 to "
                f"{num_classes - 1}"
            )
        return noisy.astype(np.int64)
