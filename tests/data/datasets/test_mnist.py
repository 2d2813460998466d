import numpy as np
import torch

from sdd.data.datasets.mnist import load_mnist
from tests.data.datasets.stored import grey_folder

MNIST_TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def four_digits(value):
    return round(float(value), 4)


def test_mnist_is_whole_and_normalised_by_its_own_statistics(sdd_data):
    data = load_mnist(sdd_data)
    assert data.train_images.shape == (60_000, 1, 28, 28)
    assert data.test_images.shape == (10_000, 1, 28, 28)
    assert data.train_images.dtype == torch.uint8
    assert np.bincount(data.train_labels).tolist() == MNIST_TRAIN_COUNTS
    assert np.bincount(data.test_labels).tolist() == MNIST_TEST_COUNTS
    assert data.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    grey = torch.bincount(data.train_images.flatten(), minlength=256).double()
    mean = (grey * torch.arange(256)).sum() / grey.sum()
    std = ((grey * (torch.arange(256) - mean) ** 2).sum() / grey.sum()).sqrt()
    assert (four_digits(mean / 255),) == data.mean == (0.1307,)
    assert (four_digits(std / 255),) == data.std == (0.3081,)
    assert data.look_alikes == {2: 7, 3: 8, 5: 6, 6: 5}


def test_grey_images_are_read_as_stored(tmp_path, no_network):
    content = grey_folder(tmp_path, "MNIST")
    data = load_mnist(tmp_path)
    assert np.array_equal(data.train_images[:, 0].numpy(), content["train"][0])
    assert np.array_equal(data.train_labels, content["train"][1])
    assert np.array_equal(data.test_images[:, 0].numpy(), content["t10k"][0])
    assert np.array_equal(data.test_labels, content["t10k"][1])
    assert data.train_labels.dtype == np.int64
    assert data.look_alikes == {2: 7, 3: 8, 5: 6, 6: 5}
