from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits as sklearn_digits

from sdd.data.datasets.digits import load_digits


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


def test_digits_are_the_same_where_scikit_learn_keeps_its_file_elsewhere(monkeypatch):
    expected = load_digits(Path())
    monkeypatch.setattr("sdd.data.datasets.digits.find_spec", lambda name: None)
    assert load_digits(Path()).train_images.equal(expected.train_images)
    assert (load_digits(Path()).train_labels == expected.train_labels).all()


def test_the_digits_split_never_changes():
    labels = load_digits(Path()).train_labels
    assert labels[:20].tolist() == [9, 0, 6, 3, 3, 8, 7, 9, 8, 2, 4, 9, 8, 6, 9, 5, 6, 7, 1, 2]
    # A fair draw: each part has every digit about as often (χ² with 9 degrees of freedom).
    assert ((np.bincount(labels) - 100) ** 2 / 100).sum() < 27.9


def test_digits_are_normalised_by_the_statistics_of_their_training_images():
    data = load_digits(Path())
    values = data.train_images.double() / 255
    assert (round(float(values.mean()), 4),) == data.mean
    assert (round(float(values.std()), 4),) == data.std
