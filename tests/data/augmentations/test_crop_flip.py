import pytest
import torch
from scipy import stats

from sdd.data.augmentations.crop_flip import Crops, crop_flip, draw_crops
from tests.data.pictures import pictures


def crops_for(count, size, seed=0):
    return draw_crops(count, size, torch.Generator().manual_seed(seed))


def loop_crop_flip(image, top, left, flip):
    """Crop one image pixel by pixel, black outside."""
    channels, height, width = image.shape
    out = torch.zeros_like(image)
    for row in range(height):
        for column in range(width):
            source_row, source_column = row + top - 4, column + left - 4
            if 0 <= source_row < height and 0 <= source_column < width:
                place = width - 1 - column if flip else column
                for channel in range(channels):
                    out[channel, row, place] = image[channel, source_row, source_column]
    return out


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 6, 6), (3, 5, 9), (3, 9, 4)])
def test_crop_and_mirror_is_a_loop_over_pixels(channels, height, width):
    images = pictures(12, channels, height, width)
    crops = crops_for(12, (height, width))
    assert len(set(crops.flip.tolist())) == 2
    cropped = crop_flip(images, crops, 7)
    assert cropped.dtype == torch.uint8
    for image, got, top, left, flip in zip(images, cropped, *crops, strict=True):
        assert torch.equal(got, loop_crop_flip(image, top, left, flip))


def test_a_crop_in_the_middle_changes_nothing():
    images = pictures(1, 3, 8, 8)
    four = torch.tensor([4])
    plain = Crops(four, four, torch.tensor([False]))
    mirrored = Crops(four, four, torch.tensor([True]))
    assert torch.equal(crop_flip(images, plain, 8), images)
    assert torch.equal(crop_flip(images, mirrored, 8), images.flip(-1))


def test_crops_and_mirrorings_are_drawn_evenly():
    crops = crops_for(40_000, (32, 32))
    places = torch.bincount(crops.top * 9 + crops.left, minlength=81)
    assert len(places) == 81
    assert stats.chisquare(places.numpy()).pvalue > 1e-4
    assert stats.binomtest(int(crops.flip.sum()), 40_000, 0.5).pvalue > 1e-4
