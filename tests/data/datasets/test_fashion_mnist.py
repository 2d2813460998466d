import numpy as np

from sdd.data.datasets.fashion_mnist import load_fashion_mnist
from tests.data.datasets.stored import grey_folder


def test_grey_images_are_read_as_stored(tmp_path, no_network):
    content = grey_folder(tmp_path, "FashionMNIST")
    data = load_fashion_mnist(tmp_path)
    assert np.array_equal(data.train_images[:, 0].numpy(), content["train"][0])
    assert np.array_equal(data.train_labels, content["train"][1])
    assert np.array_equal(data.test_images[:, 0].numpy(), content["t10k"][0])
    assert np.array_equal(data.test_labels, content["t10k"][1])
    assert data.train_labels.dtype == np.int64
    assert data.look_alikes is None
    assert (data.mean, data.std) == ((0.286,), (0.353,))
