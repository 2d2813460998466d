"""What holds for every noise type that draws, a new one included."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sdd.data.noise import NOISE_TYPES
from sdd.seeding import Stream
from tests.data.noise.tables import ENOUGH, balanced, noise

DRAWN = [name for name in NOISE_TYPES.names if not NOISE_TYPES.get(name).reads_file]


def test_the_built_in_types():
    assert NOISE_TYPES.names == ("asymmetric", "human", "pairflip", "symmetric", "uniform")


@pytest.mark.parametrize("kind", DRAWN)
def test_a_rate_of_zero_changes_nothing(kind):
    labels = balanced(5000)
    noisy = noise(labels, kind, 0.0)
    np.testing.assert_array_equal(noisy.labels, labels)
    assert not noisy.flipped.any()


@given(
    st.lists(st.integers(0, 6), max_size=60),
    st.sampled_from(DRAWN),
    st.floats(0, 1),
    st.integers(0, 2**32),
)
def test_flipped_is_where_labels_differ_and_labels_stay_in_range(true, kind, rate, seed):
    labels = np.array(true, dtype=np.int64)
    kept = labels.copy()
    noisy = noise(labels, kind, rate, seed, num_classes=7)
    np.testing.assert_array_equal(noisy.flipped, noisy.labels != labels)
    assert noisy.labels.dtype == np.int64
    assert noisy.flipped.dtype == np.bool_
    assert noisy.labels.shape == labels.shape
    assert ((noisy.labels >= 0) & (noisy.labels < 7)).all()
    assert noisy.flipped.sum() <= math.ceil(rate * len(labels)) or kind != "uniform"
    np.testing.assert_array_equal(labels, kept)
    np.testing.assert_array_equal(noise(labels, kind, rate, seed, num_classes=7).labels, noisy.labels)


@pytest.mark.parametrize("kind", DRAWN)
def test_noise_depends_on_its_seed_and_purpose_alone(kind):
    labels = balanced(2000)
    draws = []
    for global_seed in (0, 1):
        np.random.seed(global_seed)  # noqa: NPY002
        torch.manual_seed(global_seed)
        draws.append(noise(labels, kind, 0.4, seed=5))
    np.testing.assert_array_equal(draws[0].labels, draws[1].labels)
    for other in (
        noise(labels, kind, 0.4, seed=6),
        noise(labels, kind, 0.4, seed=5, split="val"),
    ):
        # Two independent draws agree on about as many flips as chance has it, not on all or none.
        both = int((other.flipped & draws[0].flipped).sum())
        assert 0 < both < 0.75 * draws[0].flipped.sum()


@pytest.mark.parametrize("kind", ["uniform", "symmetric", "pairflip"])
def test_noise_is_independent_of_the_draw_of_a_subset(kind):
    # One permutation for both would make a 10 % subset noise from end to end.
    count = 20_000
    subset = Stream(0, "training subset").permutation(count)[: count // 10]
    flipped = noise(balanced(count), kind, 0.4).flipped
    fraction = flipped.mean()
    assert stats.binomtest(int(flipped[subset].sum()), len(subset), fraction).pvalue > ENOUGH
