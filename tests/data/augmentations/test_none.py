import torch

from sdd.data.augmentations.none import PART
from tests.data.pictures import pictures


def test_without_augmentation_nothing_is_drawn_and_images_stay():
    generator = torch.Generator().manual_seed(0)
    before, images = generator.get_state(), pictures(3, 1, 8, 8)
    assert PART.draw(10, (8, 8), generator) is None
    assert torch.equal(generator.get_state(), before)
    assert PART.apply(images, None, 4) is images
