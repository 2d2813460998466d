import numpy as np
from torchvision import datasets as torchvision_datasets

from sdd.data.datasets.cifar10 import load_cifar10
from tests.data.datasets.stored import pixels

CIFAR10_MISTAKES = {
    ("truck", "automobile"),
    ("bird", "airplane"),
    ("deer", "horse"),
    ("cat", "dog"),
    ("dog", "cat"),
}


def test_cifar10_is_read_channels_first_in_stored_order(cifar10):
    data = load_cifar10(cifar10)
    stored = np.concatenate([pixels(20, number) for number in range(1, 6)])
    assert np.array_equal(data.train_images.flatten(1).numpy(), stored)
    assert data.train_images.shape == (100, 3, 32, 32)
    assert data.train_images.is_contiguous()
    assert data.train_labels.tolist() == [(place + number) % 10 for number in range(1, 6) for place in range(20)]
    assert np.array_equal(data.test_images.flatten(1).numpy(), pixels(10, 9))
    assert data.test_labels.tolist() == list(range(9, -1, -1))
    assert (data.mean, data.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_cifar10_mistakes_are_between_classes_that_look_alike(cifar10):
    data = load_cifar10(cifar10)
    names = torchvision_datasets.CIFAR10(str(cifar10)).classes
    assert {(names[a], names[b]) for a, b in data.look_alikes.items()} == CIFAR10_MISTAKES
