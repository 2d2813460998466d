import numpy as np
import pytest

from tests.data.noise.tables import CLASSES, ENOUGH, RATES, balanced, chi_square, noise, transitions


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("num_classes", CLASSES)
def test_a_label_moves_to_the_next_class_alone(rate, num_classes):
    labels = balanced(60_000, num_classes)
    noisy = noise(labels, "pairflip", rate, num_classes=num_classes)
    expected = np.zeros((num_classes, num_classes))
    for true in range(num_classes):
        for taken in range(num_classes):
            expected[true, taken] = {0: 1 - rate, 1: rate}.get((taken - true) % num_classes, 0)
    assert chi_square(transitions(labels, noisy.labels, num_classes), expected) > ENOUGH


def test_a_rate_of_one_moves_every_label():
    labels = balanced(20_000)
    np.testing.assert_array_equal(noise(labels, "pairflip", 1.0).labels, (labels + 1) % 10)


def test_noise_is_the_same_on_every_machine():
    labels = [0, 2, 3, 4, 4, 5, 7, 7, 8, 0, 1, 1, 2, 3, 5, 5, 7, 7, 8, 9]
    assert noise(np.arange(20) % 10, "pairflip", 0.4).labels.tolist() == labels
