"""MNIST: handwritten digits of 28 × 28 pixels (LeCun et al. 1998)."""

from pathlib import Path

from sdd.data.datasets import Dataset, DataSource
from sdd.data.datasets._torchvision import grey_dataset, read_parts

FILES = "MNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte"
LOOK_ALIKES = {2: 7, 3: 8, 5: 6, 6: 5}
"""From digit to the digit it is mistaken for (Patrini et al. 2017)."""


def load_mnist(root: Path) -> Dataset:
    """Load 60,000 training and 10,000 test images through torchvision.

    Args:
        root: Folder of the files; they are downloaded into it where they are missing.

    Raises:
        UserError: They are missing or damaged and cannot be downloaded.
    """
    return grey_dataset(read_parts("mnist", "MNIST", FILES, root), mean=0.1307, std=0.3081, look_alikes=LOOK_ALIKES)


PART = DataSource(load_mnist, root_is_place=True)
