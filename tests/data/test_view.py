import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from sdd.data.augmentations import AUGMENTATIONS, Augmentation
from sdd.data.augmentations.none import PART as NONE
from sdd.data.transforms import Normalisation
from sdd.data.view import View
from sdd.errors import UserError
from tests.data.pictures import pictures

AS_THEY_ARE = Normalisation.of([0.0], [1 / 255], torch.device("cpu"))


@pytest.mark.parametrize(
    ("image_size", "eval_resize", "resized"),
    [(None, None, None), (16, None, None), (8, None, 8), (8, 11, 11)],
)
def test_the_plain_view_resizes_and_cuts_only_where_asked(image_size, eval_resize, resized):
    images = pictures(5, 1, 16, 16)
    view = View(Normalisation.of([0.3], [0.2], torch.device("cpu")), NONE, image_size, eval_resize)
    expected = images.float()
    if resized is not None:
        expected = reference.resize(expected, [resized], antialias=True)
        expected = reference.center_crop(expected, [image_size, image_size])
    torch.testing.assert_close(view.plain(images), (expected / 255 - 0.3) / 0.2, rtol=0, atol=1e-4)


@pytest.mark.parametrize("resizes", [False, True])
def test_an_augmentation_is_given_images_its_draws_and_the_side_that_the_network_sees(resizes):
    given = []

    def apply(images, drawn, size):
        given.append((images, drawn, size))
        return images[..., :size, :size] if resizes else images.float() + 1

    images = pictures(3, 1, 12, 9)
    for image_size, side in ((None, 9), (8, 8)):
        view = View(AS_THEY_ARE, Augmentation(apply, resizes=resizes), image_size)
        seen = view.augmented(images, "drawn")
        assert (given[-1][1], given[-1][2]) == ("drawn", side)
        assert given[-1][0] is images
        if resizes:
            torch.testing.assert_close(seen, images[..., :side, :side].float())
        else:
            torch.testing.assert_close(seen, view.plain(images) + 1)


@pytest.mark.parametrize("name", AUGMENTATIONS.names)
def test_a_built_in_augmentation_is_as_it_should_be(name):
    View(AS_THEY_ARE, AUGMENTATIONS.get(name), 8).check_augmentation(name, pictures(2, 1, 12, 9))


def keep(images, drawn, size):
    return images


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Augmentation(keep, lambda *_: torch.rand(3)), r"draws a tensor of float32 of shape \[3\] for 2 images"),
        (Augmentation(keep, lambda *_: (torch.rand(2), torch.rand(()))), r"draws .*shape \[\] for 2 images"),
        (
            Augmentation(keep, lambda *_: [0.5, 0.5]),
            "draws a list for 2 images; it must draw tensors with as many rows",
        ),
        (Augmentation(lambda images, *_: images[0]), r"of shape \[1, 6, 5\]; .*of shape \[2, 1, 6, 5\]"),
        (Augmentation(lambda images, *_: images.bool()), "gives a tensor of bool"),
        (Augmentation(lambda images, *_: None), "gives a NoneType; it must give a tensor of uint8 or float"),
        (Augmentation(keep, resizes=True), r"of shape \[2, 1, 6, 5\]; .*of shape \[2, 1, 5, 5\]"),
    ],
)
def test_what_an_augmentation_gives_is_checked_in_one_line_that_names_it(part, message):
    with pytest.raises(UserError, match=f"data.augment my_package.mine .*{message}") as caught:
        View(AS_THEY_ARE, part).check_augmentation("my_package.mine", pictures(2, 1, 6, 5))
    assert "\n" not in str(caught.value)


def test_images_stay_as_they_are_where_an_augmentation_is_tried_that_writes_into_its_own():
    images = pictures(2, 1, 6, 5)
    kept = images.clone()
    View(AS_THEY_ARE, Augmentation(lambda own, *_: own.zero_())).check_augmentation("mine", images)
    assert torch.equal(images, kept)
