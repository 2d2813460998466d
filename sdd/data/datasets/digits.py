"""Handwritten digits of 8 × 8 pixels, which ship inside scikit-learn: the data set that needs no download."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from sdd.data.datasets import Dataset, DataSource
from sdd.seeding import Stream

TRAIN_SIZE = 1000


def load_digits(root: Path) -> Dataset:
    """Load scikit-learn's 1,797 digits: 1,000 to train and 797 to test, in a random order that never changes.

    Grey values 0 to 16 are stored as 0 to 240.

    Args:
        root: Not looked at.
    """
    table = _table()
    order = Stream(0, "digits split").permutation(len(table))
    images = torch.from_numpy(table[order, :-1] * 15).view(-1, 1, 8, 8)
    labels = table[order, -1].astype(np.int64)
    return Dataset(
        train_images=images[:TRAIN_SIZE],
        train_labels=labels[:TRAIN_SIZE],
        test_images=images[TRAIN_SIZE:],
        test_labels=labels[TRAIN_SIZE:],
        num_classes=10,
        mean=(0.2868,),
        std=(0.3533,),
    )


def _table() -> npt.NDArray[np.uint8]:
    """Return scikit-learn's digits, a row each: 64 grey values and the class, of shape [1797, 65].

    Its own function reads the same file, but importing it takes half a second for what nothing else here needs.
    """
    package = find_spec("sklearn")
    for place in [] if package is None else package.submodule_search_locations or []:
        path = Path(place) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            return np.loadtxt(path, delimiter=",").astype(np.uint8)
    from sklearn.datasets import load_digits as read

    content = read()
    return np.column_stack([content.data, content.target]).astype(np.uint8)


PART = DataSource(load_digits, root_is_place=True)
