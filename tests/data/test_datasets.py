import hashlib
import io
import pickle
import shutil
import tarfile
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits as sklearn_digits
from torchvision import datasets as torchvision_datasets

from sdd.data.datasets import DATASETS, check_dataset, load_cifar10, load_cifar100, load_digits, load_mnist
from sdd.errors import UserError

CIFAR10_CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CIFAR10_MISTAKES = {
    ("truck", "automobile"),
    ("bird", "airplane"),
    ("deer", "horse"),
    ("cat", "dog"),
    ("dog", "cat"),
}
# https://www.cs.toronto.edu/~kriz/cifar.html
CIFAR100_SUPERCLASSES = {
    "aquatic_mammals": ["beaver", "dolphin", "otter", "seal", "whale"],
    "fish": ["aquarium_fish", "flatfish", "ray", "shark", "trout"],
    "flowers": ["orchid", "poppy", "rose", "sunflower", "tulip"],
    "food_containers": ["bottle", "bowl", "can", "cup", "plate"],
    "fruit_and_vegetables": ["apple", "mushroom", "orange", "pear", "sweet_pepper"],
    "household_electrical_devices": ["clock", "keyboard", "lamp", "telephone", "television"],
    "household_furniture": ["bed", "chair", "couch", "table", "wardrobe"],
    "insects": ["bee", "beetle", "butterfly", "caterpillar", "cockroach"],
    "large_carnivores": ["bear", "leopard", "lion", "tiger", "wolf"],
    "large_man-made_outdoor_things": ["bridge", "castle", "house", "road", "skyscraper"],
    "large_natural_outdoor_scenes": ["cloud", "forest", "mountain", "plain", "sea"],
    "large_omnivores_and_herbivores": ["camel", "cattle", "chimpanzee", "elephant", "kangaroo"],
    "medium_mammals": ["fox", "porcupine", "possum", "raccoon", "skunk"],
    "non-insect_invertebrates": ["crab", "lobster", "snail", "spider", "worm"],
    "people": ["baby", "boy", "girl", "man", "woman"],
    "reptiles": ["crocodile", "dinosaur", "lizard", "snake", "turtle"],
    "small_mammals": ["hamster", "mouse", "rabbit", "shrew", "squirrel"],
    "trees": ["maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"],
    "vehicles_1": ["bicycle", "bus", "motorcycle", "pickup_truck", "train"],
    "vehicles_2": ["lawn_mower", "rocket", "streetcar", "tank", "tractor"],
}
MNIST_TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def written(path, content):
    """Pickle `content` to a file and return its md5."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = pickle.dumps(content, protocol=2)
    path.write_bytes(data)
    return hashlib.md5(data).hexdigest()


def pixels(count, seed):
    return np.random.default_rng(seed).integers(0, 256, (count, 3 * 32 * 32), dtype=np.uint8)


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


def idx(values):
    """The bytes of an IDX file of uint8."""
    header = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    return header + values.astype(np.uint8).tobytes()


def grey_folder(root, name):
    """A tiny MNIST or Fashion-MNIST on disk; returns its images and labels by part."""
    folder = root / name / "raw"
    folder.mkdir(parents=True)
    content = {}
    for part, count in (("train", 12), ("t10k", 5)):
        generator = np.random.default_rng(count)
        images, labels = generator.integers(0, 256, (count, 28, 28)), generator.integers(0, 10, count)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
        content[part] = images, labels
    return content


def four_digits(value):
    return round(float(value), 4)


def test_digits_are_all_of_scikit_learns_once():
    data, source = load_digits(Path("nowhere")), sklearn_digits()
    assert data.train_images.shape == (1000, 1, 8, 8)
    assert data.test_images.shape == (797, 1, 8, 8)
    assert data.num_classes == 10
    images = torch.cat([data.train_images, data.test_images])
    labels = np.concatenate([data.train_labels, data.test_labels])
    assert images.dtype == torch.uint8
    assert images.max() == 240

    def listed(values, numbers):
        return sorted((*value.ravel().astype(int).tolist(), int(n)) for value, n in zip(values, numbers, strict=True))

    assert listed(images.numpy() / 15, labels) == listed(source.images, source.target)


def test_the_digits_split_never_changes():
    labels = load_digits(Path()).train_labels
    assert labels[:20].tolist() == [9, 0, 6, 3, 3, 8, 7, 9, 8, 2, 4, 9, 8, 6, 9, 5, 6, 7, 1, 2]
    # A fair draw: each part has every digit about as often (χ² with 9 degrees of freedom).
    assert ((np.bincount(labels) - 100) ** 2 / 100).sum() < 27.9


def test_digits_are_normalised_by_the_statistics_of_their_training_images():
    data = load_digits(Path())
    values = data.train_images.double() / 255
    assert (four_digits(values.mean()),) == data.mean
    assert (four_digits(values.std()),) == data.std


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


@pytest.mark.parametrize(
    ("dataset", "folder", "mistakes"),
    [("mnist", "MNIST", {2: 7, 3: 8, 5: 6, 6: 5}), ("fashion_mnist", "FashionMNIST", None)],
)
def test_grey_images_are_read_as_stored(tmp_path, no_network, dataset, folder, mistakes):
    content = grey_folder(tmp_path, folder)
    data = DATASETS[dataset](tmp_path)
    assert np.array_equal(data.train_images[:, 0].numpy(), content["train"][0])
    assert np.array_equal(data.train_labels, content["train"][1])
    assert np.array_equal(data.test_images[:, 0].numpy(), content["t10k"][0])
    assert np.array_equal(data.test_labels, content["t10k"][1])
    assert data.train_labels.dtype == np.int64
    assert data.look_alikes == mistakes


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


def test_cifar100_mistakes_go_round_the_true_superclasses(cifar100):
    data = load_cifar100(cifar100)
    names = torchvision_datasets.CIFAR100(str(cifar100)).classes
    assert data.num_classes == len(names) == len(data.look_alikes) == 100
    expected = {
        members[place]: members[(place + 1) % 5] for members in CIFAR100_SUPERCLASSES.values() for place in range(5)
    }
    assert {names[a]: names[b] for a, b in data.look_alikes.items()} == expected
    assert data.train_images.shape == (300, 3, 32, 32)


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
        DATASETS[dataset](tmp_path / "data")
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


def test_an_unknown_data_set_is_an_error_that_names_those_there_are():
    allowed = "digits, mnist, fashion_mnist, cifar10, cifar100, image_folder"
    with pytest.raises(UserError, match=f"unknown data set 'imagenet'; allowed: {allowed}"):
        check_dataset("imagenet")
    for name in (*DATASETS, "image_folder"):
        check_dataset(name)
