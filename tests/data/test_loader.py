import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from sdd.data.augmentations import AUGMENTATIONS
from sdd.data.loader import PlainLoader, TrainLoader
from sdd.data.transforms import Normalisation
from sdd.data.view import View
from sdd.seeding import derive_seed

AS_THEY_ARE = Normalisation.of([0.0], [1 / 255], torch.device("cpu"))


def numbered(count, height=1, width=1):
    """Images whose pixels tell them apart, and labels that are their numbers."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 1, height, width), dtype=torch.uint8, generator=generator)
    return images, torch.arange(count)


def loader(count=103, batch=10, seed=0, position=(0, 0), rank=0, world=1, **how):
    images, labels = numbered(count)
    made = TrainLoader(images, labels, batch, View(AS_THEY_ARE), seed, rank, world, **how)
    made.position = position
    return made


def batches(made):
    return [labels.tolist() for _, labels in made]


def chained(parts):
    return [number for part in parts for number in part]


@pytest.mark.parametrize(("count", "batch"), [(103, 10), (100, 10), (5, 8), (1, 1), (9, 1)])
def test_an_epoch_shows_every_example_once_in_full_batches(count, batch):
    made = loader(count, batch)
    sizes = [len(part) for part in batches(made)]
    assert sorted(chained(batches(made))) == list(range(count))
    full, rest = divmod(count, batch)
    assert sizes == [batch] * full + ([rest] if rest else [])
    assert len(made) == len(sizes)


def test_images_and_labels_stay_together():
    images, _ = numbered(103)
    for inputs, labels in loader():
        torch.testing.assert_close(inputs, images[labels].float())


def test_the_order_is_drawn_from_seed_level_and_epoch_alone():
    torch.manual_seed(0)
    first = batches(loader(seed=3, position=(2, 5)))
    used = loader(seed=3, position=(2, 4))
    assert batches(used) != first
    used.position = (2, 5)
    torch.manual_seed(1)
    assert batches(used) == first
    assert batches(used) == first
    generator = torch.Generator().manual_seed(derive_seed(3, "batch order", 2, 5))
    assert chained(first) == torch.randperm(103, generator=generator).tolist()
    assert used.order().tolist() == chained(first)
    orders = [batches(loader(seed=s, position=(a, b))) for s in range(3) for a in range(3) for b in range(3)]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])


def test_without_shuffling_every_epoch_has_the_stored_order():
    for position in ((0, 0), (0, 1), (3, 2)):
        made = loader(7, 3, position=position, shuffle=False)
        assert batches(made) == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize(("count", "batch"), [(120, 12), (121, 12), (131, 12), (12, 12), (7, 6)])
def test_a_last_batch_of_fewer_examples_is_left_out_where_asked(count, batch, world):
    whole = [part for part in batches(loader(count, batch)) if len(part) == batch]
    for rank in range(world):
        made = loader(count, batch, rank=rank, world=world, drop_last=True)
        assert batches(made) == [part[rank::world] for part in whole]
        assert len(made) == len(whole)
        assert made.last_size == batch


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize(("count", "batch"), [(120, 12), (121, 12), (127, 6), (1, 6), (7, 12)])
def test_the_size_of_the_last_batch_is_known(count, batch, world):
    shares = [batches(loader(count, batch, rank=rank, world=world)) for rank in range(world)]
    assert loader(count, batch, world=world).last_size == sum(len(share[-1]) for share in shares)


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize(("count", "batch"), [(120, 12), (121, 12), (103, 6), (7, 12), (5, 6), (2, 6), (1, 6)])
def test_processes_share_each_batch_of_the_single_process(world, count, batch):
    whole = batches(loader(count, batch))
    shares = [batches(loader(count, batch, rank=rank, world=world)) for rank in range(world)]
    assert {len(share) for share in shares} == {len(whole)}
    assert [len(loader(count, batch, rank=rank, world=world)) for rank in range(world)] == [len(whole)] * world
    filled = -count % world
    for number, expected in enumerate(whole):
        parts = [share[number] for share in shares]
        assert len({len(part) for part in parts}) == 1, "every process takes as many"
        together = [part[place] for place in range(len(parts[0])) for part in parts]
        if number < len(whole) - 1:
            assert together == expected
        else:
            start = chained(whole)
            assert together == expected + [start[place % count] for place in range(filled)]


def test_processes_draw_the_same_crops():
    images, labels = numbered(24, 8, 8)
    view = View(AS_THEY_ARE, AUGMENTATIONS.get("crop_flip"))
    whole = list(TrainLoader(images, labels, 8, view, 0))
    shares = [list(TrainLoader(images, labels, 8, view, 0, rank, 2)) for rank in range(2)]
    for number, (inputs, numbers) in enumerate(whole):
        for rank in range(2):
            assert torch.equal(shares[rank][number][0], inputs[rank::2])
            assert torch.equal(shares[rank][number][1], numbers[rank::2])


def brute_force(image, box, augmentation, size):
    """One image through torchvision's functions, in floating point."""
    if augmentation == "crop_flip":
        top, left, flip = box
        height, width = image.shape[-2:]
        seen = reference.crop(reference.pad(image, [4, 4, 4, 4]), top, left, height, width).float()
    else:
        top, left, height, width, flip = box
        seen = reference.resized_crop(image.float(), top, left, height, width, [size, size], antialias=True)
    return reference.horizontal_flip(seen) if flip else seen


@pytest.mark.parametrize(("augmentation", "size"), [("crop_flip", None), ("resized_crop_flip", 11)])
def test_an_augmented_batch_is_each_image_augmented_alone(augmentation, size):
    images, labels = numbered(21, 16, 16)
    made = TrainLoader(images, labels, 8, View(AS_THEY_ARE, AUGMENTATIONS.get(augmentation), size), seed=5)
    made.position = (1, 2)
    generator = torch.Generator().manual_seed(derive_seed(5, "augmentation", 1, 2))
    drawn = AUGMENTATIONS.get(augmentation).draw(21, (16, 16), generator)
    seen = 0
    for inputs, numbers in made:
        for mine, number in zip(inputs, numbers.tolist(), strict=True):
            box = [int(part[number]) for part in drawn]
            torch.testing.assert_close(mine, brute_force(images[number], box, augmentation, size), rtol=0, atol=2e-3)
            seen += 1
    assert seen == 21


@pytest.mark.parametrize("augmentation", ["crop_flip", "resized_crop_flip"])
def test_augmentation_changes_with_epoch_and_level_and_repeats_with_them(augmentation):
    images, labels = numbered(16, 12, 12)
    made = TrainLoader(images, labels, 16, View(AS_THEY_ARE, AUGMENTATIONS.get(augmentation)), seed=0)

    def one_pass(position):
        made.position = position
        inputs, numbers = next(iter(made))
        return inputs[numbers.argsort()]

    first = one_pass((0, 0))
    assert not torch.equal(first, one_pass((0, 1)))
    assert not torch.equal(first, one_pass((1, 0)))
    assert torch.equal(first, one_pass((0, 0)))


def test_a_resized_crop_without_a_size_keeps_the_shorter_side():
    images, labels = numbered(4, 12, 20)
    inputs, _ = next(
        iter(TrainLoader(images, labels, 4, View(AS_THEY_ARE, AUGMENTATIONS.get("resized_crop_flip")), seed=0))
    )
    assert inputs.shape == (4, 1, 12, 12)


def test_a_crop_is_brought_to_the_size_that_the_network_sees():
    images, labels = numbered(4, 16, 16)
    inputs, _ = next(iter(TrainLoader(images, labels, 4, View(AS_THEY_ARE, AUGMENTATIONS.get("crop_flip"), 8), seed=0)))
    assert inputs.shape == (4, 1, 8, 8)


@pytest.mark.parametrize(("count", "batch"), [(23, 7), (21, 7), (3, 100)])
def test_evaluation_keeps_the_stored_order(count, batch):
    images, labels = numbered(count)
    made = PlainLoader(images, labels, batch, View(AS_THEY_ARE))
    parts = list(made)
    assert len(parts) == len(made)
    assert all(len(part[1]) == batch for part in parts[:-1])
    assert torch.equal(torch.cat([part[0] for part in parts]), images.float())
    assert torch.equal(torch.cat([part[1] for part in parts]), labels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("image_size", [None, 5])
def test_inputs_made_once_are_those_made_batch_by_batch(monkeypatch, channels, image_size):
    images = torch.randint(0, 256, (23, channels, 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    view = View(Normalisation.of([0.3] * channels, [0.2] * channels, images.device), image_size=image_size)
    once = list(TrainLoader(images, torch.arange(23), 4, view, seed=0))
    monkeypatch.setattr("sdd.data.loader._LARGEST_INPUTS", 0)
    each = list(TrainLoader(images, torch.arange(23), 4, view, seed=0))
    for (made, labels), (expected, same) in zip(once, each, strict=True):
        assert torch.equal(made, expected)
        assert made.stride() == expected.stride()
        assert torch.equal(labels, same)


def test_inputs_that_depend_on_draws_or_neighbours_are_made_batch_by_batch():
    images, labels = numbered(8, 6, 6)
    normalise = Normalisation.of([0.3], [0.2], images.device)
    for view in (
        View(normalise, AUGMENTATIONS.get("crop_flip", None)),
        View(normalise, image_size=4),
        View(normalise, image_size=6, eval_resize=8),
    ):
        assert not view.is_pointwise(images)
        made = TrainLoader(images, labels, 8, view, seed=0)
        next(iter(made))
        assert made._inputs is None
