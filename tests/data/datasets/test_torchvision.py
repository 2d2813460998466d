"""What the data sets that torchvision downloads have in common: what is said where files are missing or damaged."""

import hashlib
import io
import shutil
import tarfile

import pytest
import torch
from torchvision import datasets as torchvision_datasets

from sdd.data.datasets import DATASETS
from sdd.data.datasets.cifar10 import load_cifar10
from sdd.data.datasets.mnist import load_mnist
from sdd.errors import UserError
from tests.data.datasets.stored import grey_folder


def test_an_archive_that_the_user_put_in_place_is_unpacked(cifar10, monkeypatch):
    kind = torchvision_datasets.CIFAR10
    expected = load_cifar10(cifar10).train_images
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        archive.add(cifar10 / kind.base_folder, kind.base_folder)
    (cifar10 / kind.filename).write_bytes(content.getvalue())
    monkeypatch.setattr(kind, "tgz_md5", hashlib.md5(content.getvalue()).hexdigest())
    shutil.rmtree(cifar10 / kind.base_folder)
    assert torch.equal(load_cifar10(cifar10).train_images, expected)


MISSING = [
    ("mnist", "MNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte"),
    ("fashion_mnist", "FashionMNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte"),
    ("cifar10", "cifar-10-python.tar.gz (or the folder cifar-10-batches-py)"),
    ("cifar100", "cifar-100-python.tar.gz (or the folder cifar-100-python)"),
]


@pytest.mark.parametrize(("dataset", "files"), MISSING)
def test_missing_data_without_network_is_one_line_that_says_what_to_put_where(tmp_path, no_network, dataset, files):
    with pytest.raises(UserError) as caught:
        DATASETS.get(dataset).load(tmp_path / "data")
    message = str(caught.value)
    assert "\n" not in message
    for part in (dataset, str(tmp_path / "data"), files, "no network here", "--data.root"):
        assert part in message


@pytest.mark.parametrize(
    ("name", "length"),
    [
        *[("train-images-idx3-ubyte", length) for length in (0, 3, 10, 16, 17, 1000)],
        *[("t10k-labels-idx1-ubyte", length) for length in (0, 3, 8, 12)],
    ],
)
def test_a_truncated_file_is_a_one_line_error(tmp_path, no_network, name, length):
    grey_folder(tmp_path, "MNIST")
    path = tmp_path / "MNIST" / "raw" / name
    whole = path.read_bytes()
    assert length < len(whole)
    path.write_bytes(whole[:length])
    with pytest.raises(UserError, match="MNIST/raw") as caught:
        load_mnist(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damaged", ["data_batch_3", "test_batch", "batches.meta"])
def test_a_damaged_cifar_file_is_noticed(cifar10, damaged):
    path = cifar10 / "cifar-10-batches-py" / damaged
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="cifar-10-batches-py"):
        load_cifar10(cifar10)
