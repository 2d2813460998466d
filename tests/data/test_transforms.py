import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from sdd.data.transforms import Normalisation, resample_weights, resize_centre_crop
from tests.data.pictures import pictures

GREY_LEVELS = 2e-3  # of 255: what float32 arithmetic in another order may differ by


@pytest.mark.parametrize(("mean", "std"), [((0.1307,), (0.3081,)), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
def test_normalisation_is_the_textbook_formula(mean, std):
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(2, len(mean), 16, 16)
    normal = Normalisation.of(mean, std, torch.device("cpu"))(images)
    assert normal.dtype == torch.float32
    for channel in range(len(mean)):
        expected = (images[:, channel].double() / 255 - mean[channel]) / std[channel]
        torch.testing.assert_close(normal[:, channel].double(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_normalisation_leaves_its_input_alone(dtype):
    images = pictures(1, 1, 4, 4).to(dtype)
    kept = images.clone()
    Normalisation.of([0.5], [0.5], torch.device("cpu"))(images)
    assert torch.equal(images, kept)


@pytest.mark.parametrize(
    ("height", "width", "resize", "size"),
    [
        (64, 64, 45, 32),  # the paper's Tiny ImageNet, evaluation
        (64, 64, 64, 33),
        (33, 47, 30, 21),
        (47, 33, 29, 20),
        (31, 31, 31, 31),
        (28, 28, 41, 32),
        (50, 75, 25, 25),
    ],
)
def test_resizing_and_cutting_the_centre_is_torchvisions(height, width, resize, size):
    images = pictures(3, 3, height, width)
    smaller = reference.resize(images.float(), [resize], InterpolationMode.BILINEAR, antialias=True)
    expected = reference.center_crop(smaller, [size, size])
    got = resize_centre_crop(images, resize, size)
    torch.testing.assert_close(got, expected, rtol=0, atol=GREY_LEVELS)


@pytest.mark.parametrize(("start", "length", "size_in", "size_out"), [(0, 8, 8, 8), (3, 5, 20, 9), (1, 30, 40, 7)])
def test_resampling_weights_average_pixels_of_the_interval_alone(start, length, size_in, size_out):
    weights = resample_weights(torch.tensor([start]), torch.tensor([length]), size_in, size_out)[0]
    assert weights.shape == (size_out, size_in)
    torch.testing.assert_close(weights.sum(1), torch.ones(size_out))
    assert (weights >= 0).all()
    outside = torch.ones(size_in, dtype=torch.bool)
    outside[start : start + length] = False
    assert (weights[:, outside] == 0).all()
    if length == size_in == size_out:
        assert torch.equal(weights, torch.eye(size_in))


def test_halving_averages_with_the_triangle_of_four_pixels():
    # Scale 2: output pixel 1 of 4 has its centre at 3. The pixel centres 1.5, 2.5, 3.5 and 4.5 are 1.5, 0.5, 0.5
    # and 1.5 away: a quarter, three quarters, three quarters and a quarter of a triangle of half width 2.
    weights = resample_weights(torch.tensor([0]), torch.tensor([8]), 8, 4)[0, 1]
    assert weights.tolist() == [0, 0.125, 0.375, 0.375, 0.125, 0, 0, 0]
