"""Human noise: labels that people gave, read from a file.

Published ones are CIFAR-10N and CIFAR-100N (Wei et al. 2022); one's own are a text, or an array that NumPy or PyTorch
has stored. `sdd.data.labels_of_text` says what a text may hold.
"""

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sdd.data.labels_of_text import LabelText
from sdd.data.noise import CleanLabels, LabelFile, Labels, Noise
from sdd.errors import UserError
from sdd.messages import one_line

_STORED = {".npy", ".pt", ".pth"}
_CLEAN, _COARSE, _CLEAN_COARSE = "clean_label", "coarse", "clean_coarse_label"


def human(clean: CleanLabels) -> Labels:
    """Take the labels of `data.noise_file` as they are, whatever the rate.

    Returns:
        Noisy labels, int64 of shape [N].

    Raises:
        UserError: The file cannot be read, does not fit the training set, or says itself that its true labels are
            others: it was made for images in another order.
    """
    file = clean.file
    assert file is not None
    if not file.path.is_file():
        raise UserError(f"no label file {file.path}: set --data.noise_file to a text, a .npy or a CIFAR-N .pt file")
    if file.path.suffix in _STORED:
        content = read_label_file(file.path)
        labels = chosen_labels(content, file.path, file.key, file.size, clean.num_classes)[file.places]
        reference = _CLEAN_COARSE if file.key is not None and _COARSE in file.key else _CLEAN
        if isinstance(content, Mapping) and reference in content:
            name = f"{reference} of {file.path}"
            stated = _checked(content[reference], name, file.size, clean.num_classes)[file.places]
            check_true_labels(stated, name, clean.labels)
        return labels
    return _labels_of_text(file, clean)


def _labels_of_text(file: LabelFile, clean: CleanLabels) -> Labels:
    text = LabelText(file, clean.num_classes)

    def wanted(numbers: npt.NDArray[np.generic], name: str) -> Labels:
        whole = _checked(numbers, name, file.size, clean.num_classes) if text.in_order else numbers.astype(np.int64)
        return whole[file.places]

    labels = wanted(text.labels(), str(file.path))
    if found := text.true_labels():
        name = f"{found[0]} of {file.path}"
        check_true_labels(wanted(found[1], name), name, clean.labels)
    return labels


def read_label_file(path: Path) -> object:
    """Read a file of labels that people gave.

    Args:
        path: A ``.pt`` file with labels or a dictionary of label arrays (as CIFAR-N is published), or a ``.npy`` file.

    Returns:
        A mapping from entries' names to labels, or labels.

    Raises:
        UserError: It cannot be read.
    """
    try:
        return _load_label_file(path)
    except (EOFError, pickle.UnpicklingError, struct.error) as error:
        raise UserError(
            f"cannot read the label file {path}: no label arrays that torch.save or numpy.save wrote"
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"cannot read the label file {path}: {one_line(str(error))}") from error


def chosen_labels(content: object, path: Path, key: str | None, expected: int, num_classes: int) -> Labels:
    """Return the labels of an entry of a label file, or those of a file without entries.

    Args:
        content: Of the file.
        path: Of the file, for messages.
        key: Which entry to take, such as ``worse_label`` or ``noisy_label``; None where there are none.
        expected: Size of the full training set; there must be one label for each of its examples.
        num_classes: C.

    Returns:
        int64 of shape [expected], in [0, C).

    Raises:
        UserError: No such entry, a key where there are no entries, superclasses where there are C classes, a wrong
            length, or labels outside [0, C).
    """
    if not isinstance(content, Mapping):
        if key is not None:
            raise UserError(f"{path} holds one list of labels, without entries: leave --data.noise_key unset ({key})")
        return _checked(content, str(path), expected, num_classes)
    if key not in content:
        raise UserError(f"no entry {key!r} in {path}; {_offer(content, expected, num_classes)}")
    labels = _checked(content[key], f"{key} of {path}", expected, num_classes)
    if _is_coarse(key, labels, num_classes):
        raise UserError(
            f"{key} of {path} holds superclasses, 0 to {labels.max()}, but the data set has {num_classes} classes; "
            f"{_offer(content, expected, num_classes)}"
        )
    return labels


def check_true_labels(stated: Labels, name: str, true_labels: Labels) -> None:
    """Find out whether a label file is for these examples in this order, by the true labels that it holds too.

    Args:
        stated: What it says of these examples, int64 of shape [N].
        name: Where it says so, for messages.
        true_labels: Of these examples, int64 of shape [N].

    Raises:
        UserError: Its true labels are others.
    """
    wrong = int((stated != true_labels).sum())
    if wrong:
        raise UserError(
            f"{name} is not the true label for {wrong:,} of {len(true_labels):,} examples: the "
            "file is for images in another order, or for another data set; bring its labels into the order of the "
            "training images, or set --data.noise_file to the file of this data set"
        )


def _checked(content: object, name: str, expected: int, num_classes: int) -> Labels:
    """Return labels as int64 [expected], or raise a UserError that says of `name` what is wrong with them."""
    try:
        labels = np.asarray(content)
    except (ValueError, TypeError, RuntimeError) as error:  # rows of differing length; tensors that NumPy lacks
        raise UserError(f"{name} holds no plain list of labels: {one_line(str(error))}") from error
    if labels.shape != (expected,):
        raise UserError(
            f"{name} holds labels of shape {list(labels.shape)}, but the training set has {expected} examples: there "
            "must be one for each, in the order that `python -m sdd data --list` prints"
        )
    if labels.dtype.kind not in "iuf" or not np.isfinite(labels).all() or (labels != np.floor(labels)).any():
        raise UserError(f"{name} holds labels that are not whole numbers")
    if labels.min() < 0 or labels.max() >= num_classes:
        found = f"{labels.min():g} to {labels.max():g}"
        raise UserError(f"{name} holds labels from {found}; allowed: 0 to {num_classes - 1}")
    return labels.astype(np.int64)


def _is_coarse(key: object, labels: Labels, num_classes: int) -> bool:
    """Tell whether an entry holds superclasses, as `noisy_coarse_label` of CIFAR-100N, of a data set of C classes."""
    return _COARSE in str(key).lower() and int(labels.max()) + 1 < num_classes


def _offer(content: Mapping[Any, object], expected: int, num_classes: int) -> str:
    """Return what to set: the entries that hold a label in [0, C) for each example."""
    fitting = []
    for key, labels in content.items():
        try:
            fits = not _is_coarse(key, _checked(labels, str(key), expected, num_classes), num_classes)
        except UserError:
            continue
        if fits:
            fitting.append(str(key))
    if not fitting:
        return f"none of its entries has {expected} labels of {num_classes} classes: set another --data.noise_file"
    return f"set --data.noise_key to one of: {', '.join(sorted(fitting))}"


def _load_label_file(path: Path) -> object:
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    kinds = np.typecodes["AllInteger"] + np.typecodes["Float"]
    dtypes = [type(np.dtype(kind)) for kind in kinds]
    rebuild: Any = np.zeros(1).__reduce__()[0]
    # NumPy 1 and 2 name the module of the function that rebuilds arrays differently.
    old, new = (f"numpy.{core}.multiarray._reconstruct" for core in ("core", "_core"))
    with torch.serialization.safe_globals([np.ndarray, np.dtype, *dtypes, (rebuild, old), (rebuild, new)]):
        return torch.load(path, weights_only=True, map_location="cpu")


PART = Noise(human, reads_file=True)
