"""Label noise: one file for each noise type, a pure function from clean labels to noisy ones.

Definitions follow He et al. 2022 (arXiv:2206.08684, section 3 and appendix A) and, for `pairflip` and
`asymmetric`, Han et al. 2018 and Patrini et al. 2017. A new noise type is a new file here that holds its record as
`PART`; from outside, `--data.noise_type my_package.my_noise` names a record or a function such as `Noise.apply`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdd.parts import Kind
from sdd.seeding import Stream

Labels = npt.NDArray[np.int64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelFile:
    """A file with one label for each example of the stored training set.

    Attributes:
        path: Of the file.
        key: Which entry, where it holds several; None where it holds one.
        size: Examples of the stored training set.
        places: Which of these the labels are wanted for, int64 of shape [N], in [0, size).
        classes: Names of the classes, by number; None: they have none.
        files: What each image of the stored training set was read from; None: not from a file each.
    """

    path: Path
    key: str | None
    size: int
    places: Places
    classes: Sequence[str] | None = None
    files: Sequence[str] | None = None


@dataclass(frozen=True)
class CleanLabels:
    """Clean labels, and what else a noise type makes noisy ones from.

    Attributes:
        labels: True labels, int64 of shape [N], in [0, num_classes); a copy that may be written into.
        num_classes: Number of classes, C.
        rate: Noise rate, in [0, 1].
        stream: Where all draws come from; it alone decides which labels change.
        look_alikes: From class to the class it is mistaken for; None where the data set knows none.
        file: The file that `data.noise_file` names, for a type that reads one; else None.
    """

    labels: Labels
    num_classes: int
    rate: float
    stream: Stream
    look_alikes: Mapping[int, int] | None = None
    file: LabelFile | None = None


@dataclass(frozen=True)
class Noise:
    """A type of label noise.

    Attributes:
        apply: From `CleanLabels` to noisy labels, integers of shape [N] in [0, C); keyword-only arguments are set by
            `data.noise_type_args`.
        needs_look_alikes: Whether the data set must know which classes look alike.
        reads_file: Whether it needs `data.noise_file`; a type that reads none refuses one.
    """

    apply: Callable[..., Labels]
    needs_look_alikes: bool = False
    reads_file: bool = False


NOISE_TYPES = Kind("data.noise_type", "sdd.data.noise", Noise)
