"""The data sets: one file for each, a function from a folder to uint8 images and true labels in memory.

A new data set is a new file here that holds its record as `PART`; from outside, `--data.dataset my_package.load_svhn`
names a record or a function such as `DataSource.load`.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from sdd.data.noise import Labels
from sdd.parts import Kind

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Channel statistics of ImageNet, the usual ones for colour images; of values in [0, 1]."""


@dataclass(frozen=True)
class Dataset:
    """A data set in memory, before any noise.

    Attributes:
        train_images: uint8 of shape [N, channels, height, width].
        train_labels: int64 of shape [N], in [0, num_classes).
        test_images: uint8 of shape [M, channels, height, width].
        test_labels: int64 of shape [M], in [0, num_classes).
        num_classes: Number of classes.
        mean: Mean of each channel, of values in [0, 1].
        std: Standard deviation of each channel, of values in [0, 1]; above 0.
        look_alikes: For asymmetric noise: from class to the class it is mistaken for; None where none are known.
        classes: Names of the classes, by number; None: they have none.
        train_files: What each training image was read from, in this order; None: not from a file each.
        test_files: Likewise of the test images.
    """

    train_images: Tensor
    train_labels: Labels
    test_images: Tensor
    test_labels: Labels
    num_classes: int
    mean: Sequence[float]
    std: Sequence[float]
    look_alikes: Mapping[int, int] | None = None
    classes: Sequence[str] | None = None
    train_files: Sequence[str] | None = None
    test_files: Sequence[str] | None = None


@dataclass(frozen=True)
class DataSource:
    """A source of a data set: the function that reads it from a folder.

    Attributes:
        load: From the folder `data.root`, a Path, to a `Dataset`; keyword-only arguments are set by
            `data.dataset_args`, and `load_size` by `data.load_size`.
        root_is_place: Whether the folder is only where the data lie, so that it has no part in what a run is;
            otherwise it says which data they are.
    """

    load: Callable[..., Dataset]
    root_is_place: bool = False

    @property
    def takes_load_size(self) -> bool:
        """Whether images can be brought to a size as they are read."""
        return "load_size" in inspect.signature(self.load).parameters


DATASETS = Kind("data.dataset", "sdd.data.datasets", DataSource)
