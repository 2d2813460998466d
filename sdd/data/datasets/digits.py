"""Handwritten digits of 8 × 8 pixels, which ship inside scikit-learn: the data set that needs no download."""

from pathlib import Path

import numpy as np
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
    from sklearn.datasets import load_digits as read

    content = read()
    order = Stream(0, "digits split").permutation(len(content.target))
    images = torch.from_numpy(content.images[order] * 15).to(torch.uint8).unsqueeze(1)
    labels = content.target[order].astype(np.int64)
    return Dataset(
        train_images=images[:TRAIN_SIZE],
        train_labels=labels[:TRAIN_SIZE],
        test_images=images[TRAIN_SIZE:],
        test_labels=labels[TRAIN_SIZE:],
        num_classes=10,
        mean=(0.2868,),
        std=(0.3533,),
    )


PART = DataSource(load_digits, root_is_place=True)
