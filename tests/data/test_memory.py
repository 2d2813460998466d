"""Images are in memory once: of a data set that is used whole no copy is made, of a subset the rest is let go."""

import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch

from sdd.data import NoisyLabelData
from sdd.data.datasets import Dataset, DataSource
from tests.small import PROJECT


@pytest.fixture
def loaded(monkeypatch):
    """Put a data set in the place of the digits; returns weak references to its images, and where they lie."""
    kept = {}

    def load(root):
        images = torch.arange(60, dtype=torch.uint8).view(60, 1, 1, 1).repeat(1, 3, 4, 4)
        kept["images"], kept["place"] = weakref.ref(images), images.data_ptr()
        labels = np.arange(60) % 10
        return Dataset(images, labels, images[:20].clone(), labels[:20], 10, (0.5,) * 3, (0.5,) * 3)

    monkeypatch.setattr("sdd.data.datasets.digits.PART", DataSource(load))
    return kept


@pytest.mark.parametrize("noise", ["symmetric", "uniform"])
def test_a_data_set_that_is_used_whole_is_not_copied(loaded, noise):
    data = NoisyLabelData(noise_type=noise, noise_rate=0.4, subset_seed=3)
    data.load()
    split = data.split("train")
    assert split.to(torch.device("cpu")).images.data_ptr() == split.images.data_ptr() == loaded["place"]
    assert split.images[:, 0, 0, 0].tolist() == list(range(60))
    assert data.train_dataloader().images.data_ptr() == loaded["place"]


@pytest.mark.parametrize("asked", [{"train_size": 50}, {"val_size": 10}])
def test_of_a_subset_the_rest_is_let_go(loaded, asked):
    data = NoisyLabelData(**asked)
    data.load()
    assert loaded["images"]() is None
    assert data.content.num_classes == 10
    assert len(data.content.train_images) == len(data.content.test_images) == 0


STARTED = r"""
import re
from pathlib import Path
import numpy as np, torch
from sdd.runs.same_data import record_of
from sdd.data import NoisyLabelData
from sdd.data.datasets import Dataset, DataSource
import sdd.data.datasets.digits as digits

def kib(name):
    return int(re.search(name + r":\s+(\d+) kB", Path("/proc/self/status").read_text())[1])

def load(root):
    images = torch.zeros(24_000, 3, 64, 64, dtype=torch.uint8).add_(1)
    labels = np.arange(24_000) % 10
    return Dataset(images[:20_000], labels[:20_000], images[20_000:], labels[20_000:], 10, (0.5,) * 3, (0.5,) * 3)

digits.PART = DataSource(load)
before = kib("VmRSS")
data = NoisyLabelData(noise_rate=0.4, augment="crop_flip", eval_batch_size=100)
data.load()
record_of(data)
short = data.excerpt(157, 8)
for part in (short, data):
    next(iter(part.train_dataloader()))
next(iter(data.plain_loader("train")))
print((kib("VmHWM") - before) * 1024 / (24_000 * 3 * 64 * 64))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_start_of_a_run_takes_little_more_than_its_images():
    """Reading, noise, splits, fingerprints, the trial's excerpt and both loaders, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", STARTED], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert 0.9 < float(done.stdout) < 1.25, done.stdout
