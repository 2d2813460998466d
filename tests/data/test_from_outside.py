"""A noise type, a data set and an augmentation that a user brings, through the command line."""

import importlib
import sys

import numpy as np
import pytest
import torch
import yaml

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from tests.small import QUICK

PACKAGE = """
import numpy as np
import torch

from sdd.data.augmentations import Augmentation
from sdd.data.datasets import Dataset

SEEN = []


def swap_even(clean, *, step=1):
    moved = (clean.labels % 2 == 0) & (clean.stream.uniform(len(clean.labels)) < clean.rate)
    return np.where(moved, (clean.labels + step) % clean.num_classes, clean.labels)


def load_stripes(root, *, part="train"):
    SEEN.append(("load", root.name, part))
    labels = np.arange(300) % 10
    images = torch.zeros(300, 1, 8, 8, dtype=torch.uint8)
    images[torch.arange(300), 0, torch.from_numpy(labels % 8)] = 200
    return Dataset(images[:240], labels[:240], images[240:], labels[240:], 10, (0.1,), (0.3,))


def brightened(images, by, size, *, times=1):
    SEEN.append(("augment", tuple(by.shape), size, times))
    return (images.float() + times * by[:, :, None, None]).clamp(max=255)


def draw_grey(count, size, generator):
    return torch.randint(20, (count, 1), generator=generator)


brighten = Augmentation(brightened, draw_grey)


def mirror(images, uniform, size):
    return torch.where(uniform[:, None, None, None] < 0.5, images.flip(-1), images)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A module of a user's, on Python's path."""
    (tmp_path / "data_from_outside.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield importlib.import_module("data_from_outside")
    del sys.modules["data_from_outside"]


def test_each_part_and_its_arguments_reach_a_run(package, tmp_path):
    chosen = ["--data.noise_type", "data_from_outside.swap_even", "--data.noise_type_args.step", "2"]
    chosen += ["--data.dataset", "data_from_outside.load_stripes", "--data.dataset_args.part", "extra"]
    chosen += ["--data.augment", "data_from_outside.brighten", "--data.augment_args.times", "3"]
    short = ["--pruning.levels", "1", "--pruning.epochs_per_level", "1", "--threads", "1"]
    threads = torch.get_num_threads()
    try:
        assert main([*QUICK, *short, *chosen, "--data.root", "there", "--run_dir", "run"]) == 0
    finally:
        torch.set_num_threads(threads)
    rows = read_curve(tmp_path / "run" / "curve.csv")
    assert len(rows) == 2
    assert package.SEEN[0] == ("load", "there", "extra")
    assert {seen[0] for seen in package.SEEN[1:]} == {"augment"}
    # 2 levels of 4 batches of 50 of the 200 examples; before, the augmentation was tried, and the run, on 2 levels of 2
    # small batches.
    assert [seen[1:] for seen in package.SEEN[2:]] == [((8, 1), 8, 3)] * 4 + [((50, 1), 8, 3)] * 8
    data = NoisyLabelData(**yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["data"])
    train = data.split("train")
    moved = train.flipped.numpy()
    assert 0 < moved.sum() < (train.true_labels % 2 == 0).sum()
    expected = np.where(moved, (train.true_labels + 2) % 10, train.true_labels)
    assert train.labels.tolist() == expected.tolist()
    assert (train.true_labels.numpy()[moved] % 2 == 0).all()


def test_a_plain_function_is_an_augmentation_of_one_uniform_number_an_image(package):
    plain = NoisyLabelData(train_size=100, batch_size=100)
    mirrored = NoisyLabelData(train_size=100, batch_size=100, augment="data_from_outside.mirror")
    ((images, labels),), ((changed, same),) = plain.train_dataloader(), mirrored.train_dataloader()
    assert torch.equal(labels, same)
    flipped = torch.tensor([torch.equal(a, b.flip(-1)) for a, b in zip(changed, images, strict=True)])
    kept = torch.tensor([torch.equal(a, b) for a, b in zip(changed, images, strict=True)])
    assert (flipped | kept).all()
    assert 30 < flipped.sum() < 70


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"noise_type": "data_from_outside.swap_even", "noise_type_args": {"by": 2}},
            r"data\.noise_type_args has by, which data_from_outside\.swap_even does not take; allowed: step",
        ),
        ({"noise_type": "data_from_outside.swap_odd"}, r"data\.noise_type is .*has no swap_odd"),
        ({"dataset": "nowhere.load"}, r"data\.dataset is nowhere\.load, but there is no module 'nowhere'"),
        ({"dataset": "data_from_outside.SEEN"}, r"data\.dataset data_from_outside\.SEEN is a list; it must be a Data"),
        (
            {"noise_type": "data_from_outside.swap_even", "noise_file": "labels.txt"},
            r"data\.noise_file is labels\.txt, but noise type data_from_outside\.swap_even reads no file",
        ),
        (
            {"dataset": "data_from_outside.load_stripes", "load_size": 8},
            r"data\.load_size is for .*, not for data_from_outside\.load_stripes",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_as_it_is_set(package, arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        NoisyLabelData(**arguments)
    assert "\n" not in str(caught.value)
    assert package.SEEN == []
