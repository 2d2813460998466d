import numpy as np
import pytest

from tests.data.noise.tables import CLASSES, ENOUGH, RATES, balanced, chi_square, noise, transitions


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("num_classes", CLASSES)
def test_a_label_moves_to_each_other_class_as_often(rate, num_classes):
    labels = balanced(60_000, num_classes)
    noisy = noise(labels, "symmetric", rate, num_classes=num_classes)
    expected = np.full((num_classes, num_classes), rate / (num_classes - 1))
    np.fill_diagonal(expected, 1 - rate)
    assert chi_square(transitions(labels, noisy.labels, num_classes), expected) > ENOUGH


def test_a_rate_of_one_moves_every_label():
    assert noise(balanced(20_000), "symmetric", 1.0).flipped.all()


def test_noise_is_the_same_on_every_machine():
    labels = [0, 6, 3, 5, 4, 5, 0, 7, 8, 2, 7, 1, 2, 3, 3, 5, 9, 7, 8, 9]
    assert noise(np.arange(20) % 10, "symmetric", 0.4).labels.tolist() == labels
