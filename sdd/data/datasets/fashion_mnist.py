"""Fashion-MNIST: clothes in ten classes, 28 × 28 pixels (Xiao et al. 2017)."""

from pathlib import Path

from sdd.data.datasets import Dataset, DataSource
from sdd.data.datasets._torchvision import grey_dataset, read_parts

FILES = "FashionMNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte"


def load_fashion_mnist(root: Path) -> Dataset:
    """Load 60,000 training and 10,000 test images through torchvision.

    Args:
        root: Folder of the files; they are downloaded into it where they are missing.

    Raises:
        UserError: They are missing or damaged and cannot be downloaded.
    """
    return grey_dataset(read_parts("fashion_mnist", "FashionMNIST", FILES, root), mean=0.2860, std=0.3530)


PART = DataSource(load_fashion_mnist, root_is_place=True)
