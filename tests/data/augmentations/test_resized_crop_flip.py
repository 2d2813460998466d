import pytest
import torch
from scipy import stats
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms.v2 import functional as reference

from sdd.data.augmentations.resized_crop_flip import draw_boxes, resized_crop_flip
from tests.data.pictures import pictures

GREY_LEVELS = 2e-3  # of 255: what float32 arithmetic in another order may differ by


def boxes_for(count, size, seed=0):
    return draw_boxes(count, size, torch.Generator().manual_seed(seed))


def each(boxes):
    """Yield (top, left, height, width, flip) of one image after another."""
    return zip(*(part.tolist() for part in boxes), strict=True)


@pytest.mark.parametrize(
    ("height", "width", "size"), [(64, 64, 32), (32, 32, 32), (20, 33, 24), (47, 31, 8), (9, 9, 40)]
)
def test_a_resized_crop_is_torchvisions(height, width, size):
    images = pictures(16, 3, height, width)
    boxes = boxes_for(16, (height, width))
    got = resized_crop_flip(images, boxes, size)
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


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 48), (10, 10)])
def test_boxes_are_distributed_as_torchvisions(height, width):
    count = 6000
    boxes = boxes_for(count, (height, width))
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
    boxes = boxes_for(2000, (height, width))
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
    boxes = boxes_for(200, (height, width))
    taken = list(zip(*(p.tolist() for p in (boxes.top, boxes.left, boxes.height, boxes.width)), strict=True))
    assert max(set(taken), key=taken.count) == expected
    torch.manual_seed(0)
    image = torch.zeros(1, height, width)
    theirs = [tuple(RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3])) for _ in range(200)]
    assert max(set(theirs), key=theirs.count) == expected
