"""Human noise: labels that people gave, such as CIFAR-10N and CIFAR-100N (Wei et al. 2022), read from a file."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sdd.data.noise import CleanLabels, Labels, Noise
from sdd.errors import UserError
from sdd.messages import one_line


def human(clean: CleanLabels) -> Labels:
    """Take the labels of `data.noise_file` as they are, whatever the rate.

    Returns:
        Noisy labels, int64 of shape [N].

    Raises:
        UserError: The file cannot be read or does not fit the training set.
    """
    file = clean.file
    assert file is not None
    return read_human_labels(file.path, file.key, file.size, clean.num_classes)[file.places]


def read_human_labels(path: Path, key: str | None, expected: int, num_classes: int) -> Labels:
    """Read labels that people gave, such as CIFAR-10N and CIFAR-100N (Wei et al. 2022).

    Args:
        path: A ``.pt`` file with a dictionary of label arrays (as CIFAR-N is published), a ``.npy`` file, or
            text with one label a line.
        key: Which entry of a dictionary to take, such as ``worse_label`` or ``noisy_label``.
        expected: Size of the full training set; the file must have one label for each of its examples.
        num_classes: C.

    Returns:
        int64 of shape [expected], in [0, C).

    Raises:
        UserError: No such file or entry, a key where there are no entries, a wrong length, or labels outside [0, C).
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
        raise UserError(f"cannot read the label file {path}: {one_line(str(error))}") from error
    if isinstance(content, Mapping):
        if key not in content:
            allowed = ", ".join(sorted(map(str, content)))
            raise UserError(f"no entry {key!r} in {path}; set --data.noise_key to one of: {allowed}")
        content = content[key]
    elif key is not None:
        raise UserError(f"{path} holds one list of labels, without entries: leave --data.noise_key unset ({key})")
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


PART = Noise(human, reads_file=True)
