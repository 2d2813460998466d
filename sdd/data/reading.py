"""Reading a data set, built in or a user's, and checking once that it is what the rest relies on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdd.data.array_text import described
from sdd.data.datasets import DATASETS, Dataset, DataSource
from sdd.data.noise import Labels
from sdd.errors import UserError
from sdd.failures import naming
from sdd.messages import one_line


def chosen_source(name: str, arguments: Mapping[str, Any] | None, load_size: int | None) -> DataSource:
    """Return the data source of a name or import path, with its arguments.

    Args:
        name: Of a built-in, or an import path.
        arguments: Its own, by name.
        load_size: Side of the square that images are brought to as they are read; None: as they are.

    Raises:
        UserError: There is no such data set, or it does not take these arguments.
    """
    source = DATASETS.get(name, arguments)
    if load_size is None:
        return source
    if not source.takes_load_size:
        others = [other for other in DATASETS.names if DATASETS.get(other).takes_load_size]
        raise UserError(
            f"data.load_size is for data sets that are brought to a size as they are read ({', '.join(others)}), not "
            f"for {name}: leave it unset"
        )
    if arguments and "load_size" in arguments:
        raise UserError("data.load_size and data.dataset_args.load_size are both set: leave one of them unset")
    return replace(source, load=partial(source.load, load_size=load_size))


def read(source: DataSource, name: str, root: Path) -> Dataset:
    """Read a data set and check it.

    Args:
        source: Where it comes from.
        name: As the user gave it, for messages.
        root: The folder `data.root`.

    Returns:
        The data set, its labels int64.

    Raises:
        UserError: The data cannot be read, or are not as `Dataset` says.
    """
    with naming(f"data.dataset {name}"):
        try:
            content: object = source.load(root)
        except FileNotFoundError as error:
            raise UserError(f"data.dataset {name} cannot be read from {root}: {one_line(str(error))}") from error
    if not isinstance(content, Dataset):
        raise UserError(f"data.dataset {name} gives {described(content)}; it must give an sdd.data.datasets.Dataset")
    try:
        return _checked(content)
    except ValueError as error:
        raise UserError(f"data.dataset {name}: {error}") from error


def _checked(content: Dataset) -> Dataset:
    """Return a data set with int64 labels, or raise a ValueError that says what is wrong with it."""
    classes = content.num_classes
    if not isinstance(classes, int | np.integer) or classes < 1:
        raise ValueError(f"num_classes is {classes!r}; it must be a whole number from 1")
    for name, images in (("train_images", content.train_images), ("test_images", content.test_images)):
        if not isinstance(images, Tensor) or images.dtype is not torch.uint8 or images.ndim != 4 or not images.numel():
            raise ValueError(
                f"{name} is {described(images)}; it must be a tensor of uint8 of shape [N, channels, height, width], "
                "each at least 1"
            )
    shape, tested = list(content.train_images.shape[1:]), list(content.test_images.shape[1:])
    if tested != shape:
        raise ValueError(f"train_images are of shape {shape} each, but test_images of {tested}; they must be alike")
    train_labels = _checked_labels("train_labels", content.train_labels, len(content.train_images), classes)
    test_labels = _checked_labels("test_labels", content.test_labels, len(content.test_images), classes)
    _check_statistics(content.mean, content.std, channels=shape[0])
    looks = content.look_alikes or {}
    strange = [label for pair in looks.items() for label in pair if label not in range(classes)]
    if strange:
        raise ValueError(f"look_alikes has class {strange[0]}; allowed: 0 to {classes - 1}")
    named = (("classes", classes), ("train_files", len(train_labels)), ("test_files", len(test_labels)))
    for name, count in named:
        names = getattr(content, name)
        if names is not None and len(names) != count:
            raise ValueError(f"{name} has {len(names)} names; it must have {count}, or be None")
    return replace(content, train_labels=train_labels, test_labels=test_labels, num_classes=int(classes))


def _checked_labels(name: str, labels: object, count: int, classes: int) -> Labels:
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise ValueError(f"{name} is {described(labels)}; it must be a NumPy array of integers of shape [{count}]")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"{name} has labels from {labels.min()} to {labels.max()}; allowed: 0 to {classes - 1}")
    return labels.astype(np.int64)


def _check_statistics(mean: Sequence[float], std: Sequence[float], channels: int) -> None:
    for name, values in (("mean", mean), ("std", std)):
        listed = list(values) if isinstance(values, Sequence | np.ndarray) else []
        if len(listed) != channels or not all(isinstance(value, Real) and math.isfinite(value) for value in listed):
            raise ValueError(f"{name} is {values!r}; it must be a number for each of the {channels} channels")
    if min(std) <= 0:
        raise ValueError(f"std is {std!r}; its values must be above 0")
