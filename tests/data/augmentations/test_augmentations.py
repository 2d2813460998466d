"""What holds for every augmentation, a new one included."""

from typing import NamedTuple

import pytest
import torch
from scipy import stats

from sdd.data.augmentations import AUGMENTATIONS, draw_uniform, each_drawn, take_drawn
from tests.data.pictures import pictures


def drawn_by(name, count, size, seed=0):
    drawn = AUGMENTATIONS.get(name).draw(count, size, torch.Generator().manual_seed(seed))
    return drawn if isinstance(drawn, tuple) else (drawn,)


def test_the_built_in_augmentations():
    assert AUGMENTATIONS.names == ("crop_flip", "none", "resized_crop_flip")


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS.names if name != "none"])
def test_draws_depend_on_their_generator_alone(name):
    torch.manual_seed(0)
    first = drawn_by(name, 50, (20, 20), seed=3)
    assert {len(part) for part in first} == {50}
    torch.manual_seed(1)
    assert all(torch.equal(a, b) for a, b in zip(first, drawn_by(name, 50, (20, 20), seed=3), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, drawn_by(name, 50, (20, 20), seed=4), strict=True))


@pytest.mark.parametrize("name", AUGMENTATIONS.names)
def test_an_image_is_augmented_alike_whatever_others_are_in_its_batch(name):
    part, images = AUGMENTATIONS.get(name), pictures(9, 3, 16, 16)
    drawn = part.draw(9, (16, 16), torch.Generator().manual_seed(0))
    whole = part.apply(images, drawn, 12)
    assert whole.shape == (9, 3, *((12, 12) if part.resizes else (16, 16)))
    some = torch.tensor([4, 0, 4])
    torch.testing.assert_close(part.apply(images[some], take_drawn(drawn, some), 12), whole[some], rtol=0, atol=1e-3)


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


def test_rows_are_taken_of_whatever_is_drawn():
    some, rows, table = torch.tensor([2, 0]), torch.arange(3), torch.arange(6).view(3, 2)
    assert take_drawn(None, some) is None
    assert take_drawn(rows, some).tolist() == [2, 0]
    assert [part.tolist() for part in take_drawn((rows, table), some)] == [[2, 0], [[4, 5], [0, 1]]]
    named = take_drawn(Pair(first=rows, second=table), some)
    assert isinstance(named, Pair)
    assert named.second.tolist() == [[4, 5], [0, 1]]
    assert each_drawn(lambda part: part + 1, Pair(rows, rows)).second.tolist() == [1, 2, 3]


def test_where_nothing_else_is_said_a_uniform_number_is_drawn_for_each_image():
    drawn = draw_uniform(5000, (8, 8), torch.Generator().manual_seed(0))
    assert stats.kstest(drawn.numpy(), "uniform").pvalue > 1e-4
