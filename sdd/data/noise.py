"""Label noise: clean labels in, noisy labels and the mask of changed ones out. Pure functions of a noise seed.

Definitions follow He et al. 2022 (arXiv:2206.08684, section 3 and appendix A) and, for `pairflip` and
`asymmetric`, Han et al. 2018 and Patrini et al. 2017.
"""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch

from sdd.errors import UserError
from sdd.rounding import ceil_fraction
from sdd.seeding import Stream

NoiseType = Literal["uniform", "symmetric", "pairflip", "asymmetric", "human"]
Labels = npt.NDArray[np.int64]

# Look-alike classes, class number to class number (protocol; Patrini et al. 2017).
LOOK_ALIKES: dict[str, dict[int, int]] = {
    "mnist": {2: 7, 3: 8, 5: 6, 6: 5},
    "cifar10": {9: 1, 2: 0, 4: 7, 3: 5, 5: 3},
}


@dataclass(frozen=True)
class NoisyLabels:
    """Labels after noise.

    Attributes:
        labels: Noisy labels, int64 of shape [N].
        flipped: True where the noisy label differs from the true one, bool of shape [N].
    """

    labels: Labels
    flipped: npt.NDArray[np.bool_]


def add_noise(
    labels: Labels,
    num_classes: int,
    noise_type: NoiseType,
    rate: float,
    stream: Stream,
    moves_to: Mapping[int, int] | None = None,
    human_labels: Labels | None = None,
) -> NoisyLabels:
    """Make some of the labels wrong.

    Args:
        labels: True labels, int64 of shape [N], in [0, num_classes).
        num_classes: C.
        noise_type: `uniform` redraws ⌈rate × N⌉ labels over all C classes; `symmetric` moves each label with
            probability `rate` to one of the C − 1 others; `pairflip` moves class c to (c + 1) mod C with
            probability `rate`; `asymmetric` moves the classes of `moves_to` with probability `rate`; `human`
            takes `human_labels` as they are, whatever the rate.
        rate: In [0, 1].
        stream: Where the draws come from; it alone decides which labels change.
        moves_to: For `asymmetric`: from class to the class it is mistaken for.
        human_labels: For `human`: the labels people gave, of shape [N].

    Raises:
        UserError: A rate outside [0, 1], an unknown type, or a type without what it needs.
    """
    check_noise(noise_type, rate)
    count = len(labels)
    if noise_type == "human":
        if human_labels is None:
            raise UserError("noise type human needs a file of labels: set --data.noise_file")
        noisy = human_labels.astype(np.int64)
    elif noise_type == "uniform":
        chosen = stream.permutation(count)[: ceil_fraction(rate, count)]
        noisy = labels.copy()
        noisy[chosen] = stream.integers(num_classes, len(chosen))
    else:
        moved = stream.uniform(count) < rate
        if noise_type == "symmetric":
            target = (labels + 1 + stream.integers(num_classes - 1, count)) % num_classes
        elif noise_type == "pairflip":
            target = (labels + 1) % num_classes
        else:
            if moves_to is None:
                raise UserError("noise type asymmetric needs a data set with known look-alike classes")
            table = np.array([moves_to.get(c, c) for c in range(num_classes)], dtype=np.int64)
            target = table[labels]
        noisy = np.where(moved, target, labels)
    return NoisyLabels(labels=noisy, flipped=noisy != labels)


def check_noise(noise_type: str, rate: float) -> None:
    """Raise a UserError where the type is unknown or the rate is outside [0, 1]."""
    if noise_type not in get_args(NoiseType):
        raise UserError(f"unknown noise type {noise_type!r}; allowed: {', '.join(get_args(NoiseType))}")
    if not 0 <= rate <= 1:
        raise UserError(f"noise rate {rate} is outside [0, 1]: set --data.noise_rate to a fraction of the labels")


def next_in_superclass(superclass_of: Sequence[int]) -> dict[int, int]:
    """Send each fine class to the next fine class of its superclass, cyclically.

    Args:
        superclass_of: The superclass of each fine class, of length C.

    Returns:
        From fine class to fine class.
    """
    members: dict[int, list[int]] = {}
    for fine, coarse in enumerate(superclass_of):
        members.setdefault(coarse, []).append(fine)
    return {fine: group[(place + 1) % len(group)] for group in members.values() for place, fine in enumerate(group)}


def read_human_labels(path: Path, key: str | None, expected: int, num_classes: int) -> Labels:
    """Read labels that people gave, such as CIFAR-10N and CIFAR-100N (Wei et al. 2022).

    Args:
        path: A ``.pt`` file with a dictionary of label arrays (as CIFAR-N is published), a ``.npy`` file, or
            text with one label a line.
        key: Which entry of a dictionary to take, such as ``worse_label`` or ``noisy_label``.
        expected: Size of the full training set; the file must have one label for each of its examples.
        num_classes: C.

    Raises:
        UserError: No such file or entry, a wrong length, or labels outside [0, C).
    """
    if not path.is_file():
        raise UserError(f"no label file {path}: set --data.noise_file to a CIFAR-N .pt, .npy or text file")
    try:
        content = _load_label_file(path)
    except (EOFError, pickle.UnpicklingError) as error:
        raise UserError(
            f"cannot read the label file {path}: no label arrays that torch.save or numpy.save wrote"
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"cannot read the label file {path}: {' '.join(str(error).split())}") from error
    if isinstance(content, Mapping):
        if key not in content:
            allowed = ", ".join(sorted(map(str, content)))
            raise UserError(f"no entry {key!r} in {path}; set --data.noise_key to one of: {allowed}")
        content = content[key]
    try:
        labels = np.asarray(content)
    except ValueError as error:  # rows of differing length
        raise UserError(f"{path} holds no plain list of labels: {error}") from error
    if labels.shape != (expected,):
        raise UserError(
            f"{path} holds labels of shape {list(labels.shape)}, but the training set has {expected} examples"
        )
    if labels.dtype.kind not in "iuf" or not np.isfinite(labels).all() or (labels != np.floor(labels)).any():
        raise UserError(f"{path} holds labels that are not whole numbers")
    labels = labels.astype(np.int64)
    if labels.min() < 0 or labels.max() >= num_classes:
        raise UserError(f"{path} holds labels from {labels.min()} to {labels.max()}; allowed: 0 to {num_classes - 1}")
    return labels


def _load_label_file(path: Path) -> object:
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    if path.suffix in {".pt", ".pth"}:
        kinds = np.typecodes["AllInteger"] + np.typecodes["Float"]
        dtypes = [type(np.dtype(kind)) for kind in kinds]
        rebuild: Any = np.zeros(1).__reduce__()[0]
        # NumPy 1 and 2 name the module of the function that rebuilds arrays differently.
        old, new = (f"numpy.{core}.multiarray._reconstruct" for core in ("core", "_core"))
        with torch.serialization.safe_globals([np.ndarray, np.dtype, *dtypes, (rebuild, old), (rebuild, new)]):
            return torch.load(path, weights_only=True, map_location="cpu")
    return np.loadtxt(path, ndmin=1)
