import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from sdd.data.datasets import DATASETS, Dataset, DataSource
from sdd.data.reading import chosen_source, read
from sdd.errors import UserError

WHOLE = Dataset(
    train_images=torch.zeros(4, 3, 5, 6, dtype=torch.uint8),
    train_labels=np.array([0, 1, 2, 0]),
    test_images=torch.zeros(2, 3, 5, 6, dtype=torch.uint8),
    test_labels=np.array([2, 1]),
    num_classes=3,
    mean=(0.1, 0.2, 0.3),
    std=[0.4, 0.5, 0.6],
    look_alikes={0: 2},
)


def with_(**changed):
    return DataSource(lambda root: dataclasses.replace(WHOLE, **changed))


def test_the_built_in_data_sets_and_what_their_folder_means():
    assert DATASETS.names == ("cifar10", "cifar100", "digits", "fashion_mnist", "image_folder", "mnist")
    places = {name for name in DATASETS.names if DATASETS.get(name).root_is_place}
    assert places == set(DATASETS.names) - {"image_folder"}
    assert not DataSource(print).root_is_place


def test_what_is_whole_stays_as_it_is():
    asked = []

    def load(root):
        asked.append(root)
        return WHOLE

    content = read(DataSource(load), "mine", Path("there"))
    assert asked == [Path("there")]
    assert torch.equal(content.train_images, WHOLE.train_images)
    assert content.train_labels.tolist() == [0, 1, 2, 0]
    assert content.look_alikes == {0: 2}


def test_labels_of_any_integers_become_int64():
    content = read(with_(train_labels=np.array([0, 1, 2, 0], dtype=np.uint8), num_classes=np.int32(3)), "x", Path())
    assert content.train_labels.dtype == content.test_labels.dtype == np.int64
    assert type(content.num_classes) is int


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"train_images": torch.zeros(4, 3, 5, 6)}, r"train_images is a tensor of float32 of shape \[4, 3, 5, 6\]"),
        ({"train_images": torch.zeros(4, 5, 6, dtype=torch.uint8)}, r"train_images .* of shape \[4, 5, 6\]; .*uint8"),
        ({"test_images": torch.zeros(0, 3, 5, 6, dtype=torch.uint8)}, r"test_images .*\[0, 3, 5, 6\]; .*at least 1"),
        ({"test_images": np.zeros((2, 3, 5, 6), np.uint8)}, "test_images is a NumPy array of uint8"),
        (
            {"test_images": torch.zeros(2, 3, 6, 6, dtype=torch.uint8)},
            r"train_images are of shape \[3, 5, 6\] each, but .*\[3, 6, 6\]",
        ),
        ({"train_labels": np.array([0, 1, 2])}, r"train_labels is .* of shape \[3\]; .*integers of shape \[4\]"),
        ({"train_labels": torch.tensor([0, 1, 2, 0])}, "train_labels is a tensor of int64"),
        ({"test_labels": np.array([0.0, 1.0])}, "test_labels is a NumPy array of float64"),
        ({"test_labels": np.array([0, 3])}, "test_labels has labels from 0 to 3; allowed: 0 to 2"),
        ({"train_labels": np.array([0, -1, 2, 0])}, "train_labels has labels from -1 to 2; allowed: 0 to 2"),
        ({"num_classes": 0}, "num_classes is 0"),
        ({"num_classes": 3.0}, r"num_classes is 3\.0"),
        ({"mean": (0.5,)}, r"mean is \(0\.5,\); it must be a number for each of the 3 channels"),
        ({"std": (0.5,) * 4}, r"std is \(0\.5, 0\.5, 0\.5, 0\.5\); it must be a number for each of the 3"),
        ({"std": (0.5, 0.0, 0.5)}, r"std is \(0\.5, 0\.0, 0\.5\); its values must be above 0"),
        ({"mean": 0.5}, r"mean is 0\.5; it must be a number for each of the 3 channels"),
        ({"mean": ("a", "b", "c")}, "mean is .*; it must be a number for each of the 3 channels"),
        ({"mean": (0.5, float("nan"), 0.5)}, "mean is .*nan.*; it must be a number for each"),
        ({"look_alikes": {0: 3}}, "look_alikes has class 3; allowed: 0 to 2"),
        ({"look_alikes": {-1: 0}}, "look_alikes has class -1; allowed: 0 to 2"),
    ],
)
def test_what_a_data_set_gives_is_checked_in_one_line_that_names_it(changed, message):
    with pytest.raises(UserError, match=f"data.dataset my_package.load: {message}") as caught:
        read(with_(**changed), "my_package.load", Path())
    assert "\n" not in str(caught.value)


def test_something_that_is_no_data_set_is_named():
    with pytest.raises(UserError, match=r"data\.dataset my_package\.load gives a tuple; it must give an sdd\.data"):
        read(DataSource(lambda root: (1, 2)), "my_package.load", Path())


def test_a_load_size_reaches_the_function_that_takes_it(tmp_path, monkeypatch):
    (tmp_path / "sized_module.py").write_text(
        "def load(root, *, load_size=None):\n    return root, load_size\n\n\n"
        "class Load:\n    def __call__(self, root, load_size=3):\n        return root, load_size\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert chosen_source("sized_module.load", None, 12).load("here") == ("here", 12)
    assert chosen_source("sized_module.load", None, None).load("here") == ("here", None)
    assert chosen_source("sized_module.load", {"load_size": 9}, None).load("here") == ("here", 9)
    assert chosen_source("sized_module.Load", None, 12).load("here") == ("here", 12)
    with pytest.raises(UserError, match="are both set"):
        chosen_source("sized_module.load", {"load_size": 9}, 12)


@pytest.mark.parametrize("name", sorted(set(DATASETS.names) - {"image_folder"}))
def test_a_load_size_is_refused_where_it_would_do_nothing(name):
    with pytest.raises(UserError, match=rf"data\.load_size is for .*image_folder.*, not for {name}"):
        chosen_source(name, None, 64)


def test_a_data_set_whose_files_are_not_there_is_one_line(tmp_path):
    def load(root):
        raise FileNotFoundError("nothing\nhere")

    with pytest.raises(UserError, match=r"data\.dataset mine cannot be read from .*: nothing here"):
        read(DataSource(load), "mine", tmp_path)
