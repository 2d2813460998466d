from urllib.error import URLError

import numpy as np
import pytest
from torchvision import datasets as torchvision_datasets

from tests.data.datasets.stored import CIFAR10_CLASSES, CIFAR100_SUPERCLASSES, pixels, written


@pytest.fixture
def no_network(monkeypatch):
    """Any download fails at once."""

    def fail(*_, **__):
        raise URLError("no network here")

    monkeypatch.setattr("urllib.request.urlopen", fail)


@pytest.fixture
def cifar10(tmp_path, monkeypatch, no_network):
    """A CIFAR-10 of five batches of 20 images and 10 to test, whose checksums torchvision accepts."""
    folder, kind = tmp_path / "cifar-10-batches-py", torchvision_datasets.CIFAR10
    sums = []
    for number in range(1, 6):
        name = f"data_batch_{number}"
        labels = [(place + number) % 10 for place in range(20)]
        sums.append([name, written(folder / name, {"data": pixels(20, number), "labels": labels})])
    test = written(folder / "test_batch", {"data": pixels(10, 9), "labels": list(range(9, -1, -1))})
    meta = written(folder / "batches.meta", {"label_names": CIFAR10_CLASSES})
    monkeypatch.setattr(kind, "train_list", sums)
    monkeypatch.setattr(kind, "test_list", [["test_batch", test]])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": meta})
    return tmp_path


@pytest.fixture
def cifar100(tmp_path, monkeypatch, no_network):
    """A CIFAR-100 with its real classes and superclasses, three images of each class to train and one to test."""
    folder, kind = tmp_path / "cifar-100-python", torchvision_datasets.CIFAR100
    fine_names = sorted(name for members in CIFAR100_SUPERCLASSES.values() for name in members)
    coarse_names = sorted(CIFAR100_SUPERCLASSES)
    superclass = {fine: coarse for coarse, members in CIFAR100_SUPERCLASSES.items() for fine in members}
    sums = {}
    for part, each in (("train", 3), ("test", 1)):
        fine = np.random.default_rng(0).permutation(np.repeat(np.arange(100), each)).tolist()
        coarse = [coarse_names.index(superclass[fine_names[label]]) for label in fine]
        content = {"data": pixels(len(fine), each), "fine_labels": fine, "coarse_labels": coarse}
        sums[part] = written(folder / part, content)
    meta = written(folder / "meta", {"fine_label_names": fine_names, "coarse_label_names": coarse_names})
    monkeypatch.setattr(kind, "train_list", [["train", sums["train"]]])
    monkeypatch.setattr(kind, "test_list", [["test", sums["test"]]])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": meta})
    return tmp_path
