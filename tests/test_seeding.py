import hashlib
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sdd.seeding import Stream, derive_seed, seed_draws, torch_generator


@given(st.integers(-(2**70), 2**70), st.text(max_size=20), st.lists(st.integers(0, 10**6), max_size=4))
def test_a_derived_seed_is_a_hash_of_everything_it_is_for(seed, purpose, indices):
    text = str(seed) + "/" + purpose + "".join(f"/{index}" for index in indices)
    digest = hashlib.sha256(text.encode()).digest()
    expected = sum(byte << (8 * place) for place, byte in enumerate(digest[:8])) & (2**63 - 1)
    assert derive_seed(seed, purpose, *indices) == expected


def test_derived_seeds_never_change():
    assert derive_seed(0, "train label noise") == 2054515052205965297
    assert derive_seed(1, "batch order", 2, 3) == 285992153800457177


def test_draws_for_different_purposes_have_different_seeds():
    asked = [(s, p, *i) for s in (-1, 0, 1, 11) for p in ("a", "b") for i in ((), (1,), (1, 1), (11,), (1, 11))]
    assert len({derive_seed(*arguments) for arguments in asked}) == len(asked)


def test_streams_never_change():
    def stream():
        return Stream(7, "golden", 1)

    assert [number.hex() for number in stream().uniform(4)] == [
        "0x1.e55cb4119f8bfp-1",
        "0x1.857623d148efcp-1",
        "0x1.fa6fdc6148934p-1",
        "0x1.6fce84eb6f81cp-2",
    ]
    assert stream().integers(10, 20).tolist() == [9, 7, 9, 3, 8, 8, 6, 5, 9, 7, 8, 0, 5, 2, 7, 6, 7, 5, 4, 2]
    assert stream().permutation(12).tolist() == [11, 3, 7, 6, 9, 1, 4, 5, 10, 0, 8, 2]


def test_torch_generators_draw_the_same_order_in_every_version():
    order = torch.randperm(12, generator=torch_generator(7, "golden", 1))
    assert order.tolist() == [7, 6, 1, 0, 3, 10, 2, 5, 11, 8, 9, 4]


@pytest.mark.parametrize("seed", [0, 3, -5])
def test_uniform_numbers_are_those_of_numpys_generator(seed):
    expected = np.random.Generator(np.random.PCG64(derive_seed(seed, "x", 2))).random(1000)
    np.testing.assert_array_equal(Stream(seed, "x", 2).uniform(1000), expected)


def test_uniform_numbers_are_uniform():
    numbers = Stream(0, "uniformity").uniform(50_000)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert ((numbers * 2**53) % 1 == 0).all()
    assert stats.kstest(numbers, "uniform").pvalue > 1e-4
    assert abs(stats.pearsonr(numbers[:-1], numbers[1:]).statistic) < 4 / math.sqrt(len(numbers))


@pytest.mark.parametrize("high", [1, 2, 7, 10, 100])
def test_integers_are_uniform_below_the_limit(high):
    counts = np.bincount(Stream(1, "integers", high).integers(high, 20_000), minlength=high)
    assert len(counts) == high
    assert high == 1 or stats.chisquare(counts).pvalue > 1e-4


@given(st.integers(0, 200), st.integers(0, 2**40))
def test_a_permutation_holds_every_number_once(size, seed):
    assert sorted(Stream(seed, "order").permutation(size).tolist()) == list(range(size))


def test_every_order_of_four_is_equally_likely():
    orders = [tuple(Stream(seed, "order").permutation(4).tolist()) for seed in range(4800)]
    counts = np.unique(np.array(orders), axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-4


def test_successive_draws_of_one_stream_differ():
    stream = Stream(0, "once")
    assert (stream.uniform(10) != stream.uniform(10)).all()


def test_no_draw_depends_on_the_global_generators_or_moves_them():
    results, states = [], []
    for seed in (0, 1):
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
        results.append(
            (
                Stream(4, "noise").uniform(5).tolist(),
                Stream(4, "noise").permutation(5).tolist(),
                torch.rand(5, generator=torch_generator(4, "crops")).tolist(),
            )
        )
        states.append(
            torch.equal(before[0], torch.get_rng_state()) and np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
        )
    assert results[0] == results[1]
    assert states == [True, True]


def test_seeded_draws_are_those_after_torchs_own_seed():
    seed_draws(torch.device("cpu"), 3, "network", 1, 2)
    drawn = torch.rand(5)
    torch.manual_seed(derive_seed(3, "network", 1, 2))
    assert torch.equal(drawn, torch.rand(5))
