import math
from pathlib import Path

import numpy as np
import pytest

from sdd.data.label_noise import LabelNoise
from sdd.data.noise import NOISE_TYPES, Noise
from sdd.errors import UserError

LABELS = np.arange(20) % 10


def of(apply, **record):
    return LabelNoise("my_package.mine", Noise(apply, **record), 0.4)


def noisy(noise):
    return noise.noisy(LABELS, 10, None, "train", np.arange(20), 20)


@pytest.mark.parametrize("rate", [-0.01, 1.01, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", NOISE_TYPES.names)
def test_a_rate_outside_zero_to_one_is_an_error(kind, rate):
    with pytest.raises(UserError, match=rf"noise rate {rate} is outside \[0, 1\]"):
        LabelNoise(kind, NOISE_TYPES.get(kind), rate)


def test_a_type_that_reads_a_file_needs_one():
    with pytest.raises(UserError, match=r"noise type human needs a file of labels: set --data\.noise_file"):
        LabelNoise("human", NOISE_TYPES.get("human"), 0.0)


@pytest.mark.parametrize("given", [{"file": Path("labels.txt")}, {"key": "worse_label"}])
@pytest.mark.parametrize("kind", ["uniform", "symmetric", "pairflip", "asymmetric"])
def test_a_type_that_reads_no_file_refuses_one(kind, given):
    name, value = next(iter(given.items()))
    with pytest.raises(UserError, match=rf"data\.noise_{name} is {value}, but noise type {kind} reads no file"):
        LabelNoise(kind, NOISE_TYPES.get(kind), 0.4, **given)


def test_a_type_that_needs_look_alikes_says_which_do_not():
    noise = LabelNoise("asymmetric", NOISE_TYPES.get("asymmetric"), 0.4)
    noise.check_look_alikes({0: 1}, "digits")
    with pytest.raises(
        UserError, match=r"not defined for digits, .* allowed there: human, pairflip, symmetric, uniform"
    ):
        noise.check_look_alikes(None, "digits")
    for other in ("uniform", "symmetric", "pairflip"):
        LabelNoise(other, NOISE_TYPES.get(other), 0.4).check_look_alikes(None, "digits")


def test_a_type_is_given_what_it_may_use():
    given = []

    def mine(clean):
        given.append(clean)
        return clean.labels

    noise = LabelNoise("x.mine", Noise(mine, reads_file=True), 0.4, seed=3, file=Path("f"), key="k")
    places = np.arange(20) + 5
    noise.noisy(LABELS, 10, {0: 1}, "val", places, 50)
    (clean,) = given
    assert (clean.num_classes, clean.rate, clean.look_alikes) == (10, 0.4, {0: 1})
    assert (clean.file.path, clean.file.key, clean.file.size) == (Path("f"), "k", 50)
    np.testing.assert_array_equal(clean.file.places, places)
    np.testing.assert_array_equal(clean.labels, LABELS)


def test_true_labels_stay_where_a_type_writes_into_its_own():
    def mine(clean):
        clean.labels[:] = 7
        return clean.labels

    assert noisy(of(mine)).tolist() == [7] * 20
    assert LABELS.tolist() == [place % 10 for place in range(20)]


def test_any_integers_become_int64():
    assert noisy(of(lambda clean: clean.labels.astype(np.uint8))).dtype == np.int64


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (lambda clean: clean.labels[1:], r"a NumPy array of int64 of shape \[19\]; .*integers of shape \[20\]"),
        (lambda clean: clean.labels / 1, r"a NumPy array of float64 of shape \[20\]; .*integers of shape \[20\]"),
        (lambda clean: clean.labels == 0, "a NumPy array of bool"),
        (lambda clean: clean.labels.tolist(), "a list; it must give a NumPy array"),
        (lambda clean: None, "a NoneType; it must give"),
        (lambda clean: clean.labels + 1, "labels from 1 to 10; allowed: 0 to 9"),
        (lambda clean: clean.labels - 1, "labels from -1 to 8; allowed: 0 to 9"),
    ],
)
def test_what_a_type_gives_is_checked_in_one_line_that_names_it(apply, message):
    with pytest.raises(UserError, match=f"noise type my_package.mine gives {message}") as caught:
        noisy(of(apply))
    assert "\n" not in str(caught.value)
