import pytest
import torch
from scipy import stats
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms.v2 import functional as reference

from sdd.data.transforms import (
    Boxes,
    Normalisation,
    crop_flip,
    draw_boxes,
    resample_weights,
    resize_centre_crop,
    resized_crop,
)

GREY_LEVELS = 2e-3  # of 255: what float32 arithmetic in another order may differ by


def pictures(count, channels, height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator)


def boxes_for(augmentation, count, size, seed=0):
    boxes = draw_boxes(augmentation, count, size, torch.Generator().manual_seed(seed))
    assert boxes is not None
    return boxes


def each(boxes):
    """Yield (top, left, height, width, flip) of one image after another."""
    return zip(
        *(part.tolist() for part in (boxes.top, boxes.left, boxes.height, boxes.width, boxes.flip)),
        strict=True,
    )


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
    boxes = boxes_for("crop_flip", 12, (height, width))
    assert len(set(boxes.flip.tolist())) == 2
    cropped = crop_flip(images, boxes)
    assert cropped.dtype == torch.uint8
    assert cropped.is_contiguous()
    for image, got, (top, left, _, _, flip) in zip(images, cropped, each(boxes), strict=True):
        assert torch.equal(got, loop_crop_flip(image, top, left, flip))


def test_a_crop_in_the_middle_changes_nothing():
    images = pictures(1, 3, 8, 8)
    four, eight = torch.tensor([4]), torch.tensor([8])
    plain = Boxes(four, four, eight, eight, torch.tensor([False]))
    mirrored = Boxes(four, four, eight, eight, torch.tensor([True]))
    assert torch.equal(crop_flip(images, plain), images)
    assert torch.equal(crop_flip(images, mirrored), images.flip(-1))


def test_crops_and_mirrorings_are_drawn_evenly():
    boxes = boxes_for("crop_flip", 40_000, (32, 32))
    places = torch.bincount(boxes.top * 9 + boxes.left, minlength=81)
    assert len(places) == 81
    assert stats.chisquare(places.numpy()).pvalue > 1e-4
    assert stats.binomtest(int(boxes.flip.sum()), 40_000, 0.5).pvalue > 1e-4
    assert (boxes.height == 32).all()
    assert (boxes.width == 32).all()


@pytest.mark.parametrize(
    ("height", "width", "size"), [(64, 64, 32), (32, 32, 32), (20, 33, 24), (47, 31, 8), (9, 9, 40)]
)
def test_a_resized_crop_is_torchvisions(height, width, size):
    images = pictures(16, 3, height, width)
    boxes = boxes_for("resized_crop_flip", 16, (height, width))
    got = resized_crop(images, boxes, size)
    assert got.shape == (16, 3, size, size)
    for image, mine, (top, left, box_height, box_width, flip) in zip(images, got, each(boxes), strict=True):
        expected = reference.resized_crop(
            image.float(),
            top,
            left,
            box_height,
            box_width,
            [size, size],
            InterpolationMode.BILINEAR,
            antialias=True,
        )
        expected = expected.flip(-1) if flip else expected
        torch.testing.assert_close(mine, expected, rtol=0, atol=GREY_LEVELS)


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


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 48), (10, 10)])
def test_boxes_are_distributed_as_torchvisions(height, width):
    count = 6000
    boxes = boxes_for("resized_crop_flip", count, (height, width))
    torch.manual_seed(0)
    image = torch.zeros(1, height, width)
    theirs = torch.tensor([RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(count)])
    mine = torch.stack([boxes.top, boxes.left, boxes.height, boxes.width], 1)
    for column in range(4):
        assert stats.ks_2samp(mine[:, column].numpy(), theirs[:, column].numpy()).pvalue > 1e-4
    for quantity in (lambda b: b[:, 2] * b[:, 3], lambda b: b[:, 2] / b[:, 3]):
        assert stats.ks_2samp(quantity(mine).numpy(), quantity(theirs).numpy()).pvalue > 1e-4
    assert stats.binomtest(int(boxes.flip.sum()), count, 0.5).pvalue > 1e-4


@pytest.mark.parametrize(("height", "width"), [(64, 64), (3, 100), (100, 3), (1, 1), (2, 5)])
def test_boxes_lie_inside_the_image(height, width):
    boxes = boxes_for("resized_crop_flip", 2000, (height, width))
    assert (boxes.top >= 0).all()
    assert (boxes.left >= 0).all()
    assert (boxes.height >= 1).all()
    assert (boxes.width >= 1).all()
    assert (boxes.top + boxes.height <= height).all()
    assert (boxes.left + boxes.width <= width).all()
    if height == width == 64:
        area = (boxes.height * boxes.width).double() / 64**2
        aspect = boxes.width.double() / boxes.height
        assert 0.07 < area.min() < 0.1
        assert 0.95 < area.max() <= 1
        assert 0.7 < aspect.min() < 0.8
        assert 1.25 < aspect.max() < 1.43


@pytest.mark.parametrize(("height", "width", "expected"), [(3, 100, (0, 48, 3, 4)), (100, 3, (48, 0, 4, 3))])
def test_an_image_too_long_for_any_box_gives_torchvisions_centre_box(height, width, expected):
    boxes = boxes_for("resized_crop_flip", 200, (height, width))
    taken = list(zip(*(p.tolist() for p in (boxes.top, boxes.left, boxes.height, boxes.width)), strict=True))
    assert max(set(taken), key=taken.count) == expected
    torch.manual_seed(0)
    image = torch.zeros(1, height, width)
    theirs = [tuple(RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3])) for _ in range(200)]
    assert max(set(theirs), key=theirs.count) == expected


@pytest.mark.parametrize("augmentation", ["crop_flip", "resized_crop_flip"])
def test_boxes_depend_on_their_generator_alone(augmentation):
    torch.manual_seed(0)
    first = list(each(boxes_for(augmentation, 50, (20, 20), seed=3)))
    torch.manual_seed(1)
    assert list(each(boxes_for(augmentation, 50, (20, 20), seed=3))) == first
    assert list(each(boxes_for(augmentation, 50, (20, 20), seed=4))) != first


def test_without_augmentation_nothing_is_drawn():
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert draw_boxes("none", 10, (8, 8), generator) is None
    assert torch.equal(generator.get_state(), before)


def test_boxes_of_some_images_are_taken_together():
    boxes = boxes_for("resized_crop_flip", 9, (16, 16))
    everything = list(each(boxes))
    some = torch.tensor([4, 0, 4])
    assert list(each(boxes.take(some))) == [everything[4], everything[0], everything[4]]
    assert list(each(boxes.to(torch.device("cpu")))) == everything
