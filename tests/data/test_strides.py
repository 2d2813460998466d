"""Strides of the batches that a network is given: on others, torch's convolutions write outside their memory."""

from copy import deepcopy
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch.nn import functional

from sdd.data import NoisyLabelData
from sdd.data.augmentations import AUGMENTATIONS, Augmentation
from sdd.data.loader import PlainLoader, TrainLoader
from sdd.data.transforms import Normalisation
from sdd.data.view import View
from sdd.errors import UserError
from sdd.models import ResNet
from tests.data.pictures import pictures


def pixels_of_a_table(images, drawn, size):
    """Give [B, H, W, C] with its channels moved, as indexing of a table of pixels does."""
    return images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def one_for_all(images, drawn, size):
    """Give the same image B times without copying it."""
    return images[:1].expand(len(images), -1, -1, -1)


def turned(images, drawn, size):
    return images.transpose(-1, -2)


OWN = {part.__name__: Augmentation(part) for part in (pixels_of_a_table, one_for_all, turned)}
PARTS = {name: AUGMENTATIONS.get(name) for name in AUGMENTATIONS.names} | OWN


def view(part, channels, image_size=None, eval_resize=None):
    return View(
        Normalisation.of([0.3] * channels, [0.2] * channels, torch.device("cpu")), part, image_size, eval_resize
    )


def loaders(images, seen, batch):
    labels = torch.zeros(len(images), dtype=torch.int64)
    ranks = [TrainLoader(images, labels, batch, seen, 0, rank, 2) for rank in range(2)]
    return [TrainLoader(images, labels, batch, seen, 0), PlainLoader(images, labels, batch, seen), *ranks]


@pytest.mark.parametrize("name", PARTS)
def test_every_batch_has_the_plain_strides_of_its_shape(name):
    for channels, side, size in product((1, 3), (1, 2, 8, 11), (None, 1, 5, 12)):
        resizes = size is not None and (size != side)
        seen = view(PARTS[name], channels, size, size + 2 if resizes else None)
        for stored in (
            pictures(5, channels, side, side),
            pixels_of_a_table(pictures(5, channels, side, side), None, 0),
        ):
            for loader in loaders(stored, seen, batch=2):
                for batch, _ in loader:
                    assert batch.stride() == torch.empty(batch.shape).stride(), (channels, side, size, loader)


@pytest.mark.parametrize("name", PARTS)
def test_values_are_those_of_the_formula_bit_for_bit(name):
    images = pictures(4, 1, 8, 8)
    seen = view(PARTS[name], 1)
    drawn = PARTS[name].draw(4, (8, 8), torch.Generator().manual_seed(0))
    expected = PARTS[name].apply(images, drawn, 8).float() * seen.normalise.scale + seen.normalise.shift
    assert torch.equal(seen.augmented(images, drawn), expected)


@pytest.mark.parametrize("name", [name for name in PARTS if name != "one_for_all"])  # its statistics are degenerate
def test_gradients_of_a_network_of_convolutions_agree_with_float64(name):
    stored = pictures(64, 1, 8, 8)
    batch, labels = next(iter(loaders(stored, view(PARTS[name], 1), batch=64)[0]))
    torch.manual_seed(0)
    single = ResNet(width=4, in_channels=1, num_classes=10)

    def gradients(net, inputs):
        functional.cross_entropy(net(inputs), labels).backward()
        return [parameter.grad.double() for parameter in net.parameters()]

    expected = gradients(deepcopy(single).double(), batch.double())
    torch.testing.assert_close(gradients(single, batch), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("size", [None, 6])
def test_batches_with_channels_last_have_the_same_values_in_another_order(name, size):
    stored = pictures(5, 3, 8, 8)
    plain = view(PARTS[name], 3, size)
    last = replace(plain, normalise=replace(plain.normalise, memory_format=torch.channels_last))
    for one, other in zip(loaders(stored, plain, batch=2), loaders(stored, last, batch=2), strict=True):
        for (expected, _), (batch, _) in zip(one, other, strict=True):
            assert torch.equal(batch, expected)
            assert batch.stride() == torch.empty(batch.shape, memory_format=torch.channels_last).stride()


def test_channels_last_is_refused_where_there_is_one_channel():
    with pytest.raises(UserError, match=r"data\.memory_format is channels_last, but the images of digits have one"):
        NoisyLabelData("digits", memory_format="channels_last").load()
    with pytest.raises(UserError, match=r"data\.memory_format"):
        NoisyLabelData("digits", memory_format="channels_first")
