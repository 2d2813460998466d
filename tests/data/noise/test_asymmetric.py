import numpy as np
import pytest
from scipy import stats

from sdd.data.datasets import cifar10, mnist
from tests.data.noise.tables import (
    CLASSES,
    ENOUGH,
    RATES,
    balanced,
    chi_square,
    every_other,
    noise,
    transitions,
)

MNIST_MISTAKES = {2: 7, 3: 8, 5: 6, 6: 5}
CIFAR10_CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CIFAR10_MISTAKES = {
    "truck": "automobile",
    "bird": "airplane",
    "deer": "horse",
    "cat": "dog",
    "dog": "cat",
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("num_classes", CLASSES)
def test_a_label_moves_to_its_look_alike_alone(rate, num_classes):
    labels, moves = balanced(60_000, num_classes), every_other(num_classes)
    noisy = noise(labels, "asymmetric", rate, num_classes=num_classes)
    expected = np.zeros((num_classes, num_classes))
    for true in range(num_classes):
        for taken in range(num_classes):
            if true not in moves:
                expected[true, taken] = float(taken == true)
            else:
                expected[true, taken] = {true: 1 - rate, moves[true]: rate}.get(taken, 0)
    assert chi_square(transitions(labels, noisy.labels, num_classes), expected) > ENOUGH


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_asymmetric_noise_mistakes_the_published_pairs_of_classes(name):
    if name == "mnist":
        mistakes, look_alikes = MNIST_MISTAKES, mnist.LOOK_ALIKES
    else:
        number = {class_name: index for index, class_name in enumerate(CIFAR10_CLASSES)}
        mistakes = {number[true]: number[taken_for] for true, taken_for in CIFAR10_MISTAKES.items()}
        look_alikes = cifar10.LOOK_ALIKES
    labels = balanced(20_000)
    noisy = noise(labels, "asymmetric", 0.4, look_alikes=look_alikes)
    counts = transitions(labels, noisy.labels)
    seen = {(int(a), int(b)) for a, b in np.argwhere(counts) if a != b}
    assert seen == set(mistakes.items())
    for true, taken_for in mistakes.items():
        assert stats.binomtest(int(counts[true, taken_for]), 2000, 0.4).pvalue > ENOUGH


def test_a_rate_of_one_moves_every_label_with_a_look_alike():
    labels = balanced(20_000)
    np.testing.assert_array_equal(noise(labels, "asymmetric", 1.0).flipped, labels % 2 == 0)


def test_noise_is_the_same_on_every_machine():
    labels = [0, 1, 7, 8, 4, 5, 5, 7, 8, 9, 0, 1, 2, 3, 4, 5, 5, 7, 8, 9]
    noisy = noise(np.arange(20) % 10, "asymmetric", 0.4, look_alikes=MNIST_MISTAKES)
    assert noisy.labels.tolist() == labels
