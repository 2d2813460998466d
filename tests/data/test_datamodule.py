from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats

from sdd.data import NoisyLabelData
from sdd.data.datasets import Dataset, DataSource
from sdd.data.label_noise import LabelNoise
from sdd.data.noise import NOISE_TYPES
from sdd.errors import UserError

COUNT, TESTED = 5000, 300


def numbered_images(count, offset=0):
    """Images of 2 × 2 whose first two pixels are the image's number."""
    numbers = torch.arange(offset, offset + count)
    images = torch.zeros(count, 1, 2, 2, dtype=torch.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = numbers // 256, numbers % 256
    return images


def numbers(split):
    """The numbers of a split's images."""
    return (split.images[:, 0, 0, 0].long() * 256 + split.images[:, 0, 0, 1]).tolist()


@pytest.fixture
def numbered(monkeypatch):
    """Put a data set whose images tell their numbers in the place of the digits; returns the calls of its loader."""
    calls = []

    def load(root):
        calls.append(root)
        return Dataset(
            train_images=numbered_images(COUNT),
            train_labels=np.arange(COUNT) % 10,
            test_images=numbered_images(TESTED, offset=COUNT),
            test_labels=np.arange(TESTED) % 10,
            num_classes=10,
            mean=(0.0,),
            std=(1 / 255,),
            look_alikes={0: 1},
        )

    monkeypatch.setattr("sdd.data.datasets.digits.PART", DataSource(load))
    return calls


@pytest.mark.parametrize(
    ("asked", "train", "val"),
    [
        ({}, COUNT, None),
        ({"val_size": 500}, COUNT - 500, 500),
        ({"train_size": 700}, 700, None),
        ({"train_size": 700, "val_size": 500}, 700, 500),
        ({"train_size": COUNT - 1, "val_size": 1}, COUNT - 1, 1),
    ],
)
def test_parts_have_the_sizes_asked_for_and_share_no_example(numbered, asked, train, val):
    data = NoisyLabelData(**asked)
    parts = [data.split("train")] + ([data.split("val")] if val else [])
    assert [len(part.labels) for part in parts] == [train] + ([val] if val else [])
    taken = [number for part in parts for number in numbers(part)]
    assert len(set(taken)) == len(taken)
    assert set(taken) <= set(range(COUNT))
    for part in parts:
        assert part.true_labels.tolist() == [number % 10 for number in numbers(part)]
    assert numbers(data.split("test")) == list(range(COUNT, COUNT + TESTED))


@pytest.mark.parametrize("kind", ["uniform", "symmetric", "pairflip", "asymmetric"])
def test_training_and_validation_labels_are_noisy_and_test_labels_clean(numbered, kind):
    data = NoisyLabelData(val_size=1000, noise_type=kind, noise_rate=0.4, noise_seed=3)
    for name in ("train", "val"):
        part = data.split(name)
        noise, count = LabelNoise(kind, NOISE_TYPES.get(kind), 0.4, seed=3), len(part.labels)
        expected = noise.noisy(part.true_labels.numpy(), 10, {0: 1}, name, np.arange(count), count)
        assert np.array_equal(part.labels.numpy(), expected)
        assert part.flipped.any()
        assert torch.equal(part.flipped, part.labels != part.true_labels)
        assert part.labels.dtype == part.true_labels.dtype == torch.int64
    test = data.split("test")
    assert not test.flipped.any()
    assert torch.equal(test.labels, test.true_labels)
    assert test.labels.tolist() == [place % 10 for place in range(TESTED)]


def contents(**arguments):
    """Numbers, labels and true labels of a module's training and validation part."""
    data = NoisyLabelData(train_size=500, val_size=200, noise_rate=0.4, **arguments)
    parts = [data.split("train"), data.split("val")]
    return (
        [numbers(part) for part in parts],
        [part.labels.tolist() for part in parts],
        [part.flipped.tolist() for part in parts],
    )


def test_the_training_seed_and_global_generators_change_neither_examples_nor_labels(numbered):
    first = contents(seed=0)
    torch.manual_seed(123)
    np.random.seed(123)  # noqa: NPY002
    assert contents(seed=1) == first


def test_the_noise_seed_changes_labels_and_not_examples(numbered):
    (examples, labels, _), (others, changed, _) = contents(noise_seed=0), contents(noise_seed=1)
    assert others == examples
    assert changed[0] != labels[0]
    assert changed[1] != labels[1]


def test_the_subset_seed_changes_examples_and_not_which_places_are_drawn_for_noise(numbered):
    (examples, _, flipped), (others, _, drawn) = contents(subset_seed=0), contents(subset_seed=1)
    assert others != examples
    assert drawn == flipped


@pytest.mark.parametrize("kind", ["uniform", "symmetric"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_tenth_of_the_data_is_as_noisy_as_the_whole(numbered, kind, seed):
    # With one seed and one permutation for both draws the subset would be noise from end to end.
    data = NoisyLabelData(train_size=COUNT // 10, noise_type=kind, noise_rate=0.4, noise_seed=seed, subset_seed=seed)
    flipped = data.split("train").flipped
    fraction = {"uniform": 0.36, "symmetric": 0.4}[kind]
    assert stats.binomtest(int(flipped.sum()), len(flipped), fraction).pvalue > 1e-4


def test_a_subset_has_every_class_about_as_often(numbered):
    labels = NoisyLabelData(train_size=2000).split("train").true_labels
    assert stats.chisquare(torch.bincount(labels).numpy()).pvalue > 1e-4


def test_a_tenth_of_mnist_is_as_noisy_as_the_whole(sdd_data):
    data = NoisyLabelData("mnist", str(sdd_data), train_size=6000, noise_type="uniform", noise_rate=0.4)
    flipped = data.split("train").flipped
    assert len(flipped) == 6000
    assert stats.binomtest(int(flipped.sum()), 2400, 0.9).pvalue > 1e-4


def test_digits_are_the_default_and_need_no_folder(tmp_path):
    data = NoisyLabelData(root=str(tmp_path / "nowhere"), noise_rate=0.4)
    assert [len(data.split(name).labels) for name in ("train", "test")] == [1000, 797]
    assert data.num_classes == 10
    assert data.split("train").labels[:20].tolist() == [9, 8, 9, 5, 3, 8, 4, 9, 8, 9, 8, 9, 8, 6, 7, 5, 9, 7, 1, 2]
    inputs, labels = next(iter(data.test_dataloader()))
    assert inputs.shape == (797, 1, 8, 8)
    assert labels.tolist() == data.split("test").true_labels.tolist()
    normal = (data.split("test").images.double() / 255 - 0.2868) / 0.3533
    torch.testing.assert_close(inputs.double(), normal, rtol=0, atol=1e-5)


def test_human_labels_follow_their_examples_into_each_part(numbered, tmp_path):
    human = np.arange(COUNT) * 7 % 10
    torch.save({"worse_label": human, "clean_label": np.arange(COUNT) % 10}, tmp_path / "human.pt")
    data = NoisyLabelData(
        train_size=500,
        val_size=300,
        noise_type="human",
        noise_file=str(tmp_path / "human.pt"),
        noise_key="worse_label",
    )
    for name in ("train", "val"):
        part = data.split(name)
        assert part.labels.tolist() == [number * 7 % 10 for number in numbers(part)]
        assert torch.equal(part.flipped, part.labels != part.true_labels)


def test_data_are_read_once(numbered, tmp_path):
    data = NoisyLabelData(root=str(tmp_path))
    data.load()
    first = data.split("train").images
    data.setup("fit")
    data.load()
    assert data.split("train").images is first
    assert numbered == [tmp_path]


def test_loaders_give_the_parts_as_the_network_sees_them(numbered):
    data = NoisyLabelData(train_size=500, val_size=200, noise_rate=0.4, batch_size=64, eval_batch_size=90, seed=7)
    train = data.split("train")
    label_of = dict(zip(numbers(train), train.labels.tolist(), strict=True))
    seen = {}
    loader = data.train_dataloader()
    assert loader.seed == 7
    for inputs, labels in loader:
        assert len(labels) <= 64
        pixels = inputs.round().long()
        seen.update(zip((pixels[:, 0, 0, 0] * 256 + pixels[:, 0, 0, 1]).tolist(), labels.tolist(), strict=True))
    assert seen == label_of
    for name, loader in (("val", data.val_dataloader()), ("test", data.test_dataloader())):
        batches = list(loader)
        assert [len(labels) for _, labels in batches[:-1]] == [90] * (len(batches) - 1)
        assert torch.equal(torch.cat([labels for _, labels in batches]), data.split(name).labels)


def test_without_a_validation_size_there_is_no_validation_part(numbered):
    data = NoisyLabelData()
    assert data.val_dataloader() == []
    with pytest.raises(UserError, match=r"set --data\.val_size"):
        data.split("val")


def trainer(rank=0, world_size=1, overfit_batches=0.0):
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    return SimpleNamespace(strategy=strategy, global_rank=rank, world_size=world_size, overfit_batches=overfit_batches)


def test_each_process_gets_its_part_of_a_batch(numbered):
    whole = [labels.tolist() for _, labels in NoisyLabelData(batch_size=60).train_dataloader()]
    for rank in range(3):
        data = NoisyLabelData(batch_size=60)
        data.trainer = trainer(rank, 3)
        data.setup("fit")
        part = [labels.tolist() for _, labels in data.train_dataloader()]
        assert part[:-1] == [labels[rank::3] for labels in whole[:-1]]


def test_the_same_batches_are_trained_on_where_they_are_to_be_overfitted(numbered):
    data = NoisyLabelData(batch_size=60, train_size=200, noise_rate=0.4)
    data.trainer = trainer(overfit_batches=1)
    data.setup("fit")
    loader, stored = data.train_dataloader(), data.split("train").labels
    for loader.position in ((0, 0), (0, 1), (2, 1)):
        assert torch.equal(torch.cat([labels for _, labels in loader]), stored)


def test_a_last_batch_of_fewer_examples_is_left_out_of_training_and_of_drawn_batches(numbered):
    data = NoisyLabelData(batch_size=60, train_size=200, drop_last=True)
    assert [len(labels) for _, labels in data.train_dataloader()] == [60] * 3
    assert [len(labels) for _, labels in data.draw_batches(9, torch.Generator())] == [60] * 3
    assert len(data.plain_loader("train")) == 1  # measured on all
    with pytest.raises(UserError, match=r"drop_last leaves nothing .*batch_size is 60, .*only 59 training examples"):
        NoisyLabelData(batch_size=60, train_size=59, drop_last=True).load()


@pytest.mark.parametrize("seed", [2**32, 2**64 + 1, -1])
def test_seeds_of_noise_and_subset_may_be_any_whole_number(numbered, seed):
    names = ("noise_seed", "subset_seed")
    data = {name: NoisyLabelData(train_size=200, noise_rate=0.4, **{name: seed}) for name in names}
    plain = NoisyLabelData(train_size=200, noise_rate=0.4).split("train")
    assert numbers(data["noise_seed"].split("train")) == numbers(plain)
    assert not torch.equal(data["noise_seed"].split("train").flipped, plain.flipped)
    assert numbers(data["subset_seed"].split("train")) != numbers(plain)


def test_a_batch_that_cannot_be_split_evenly_is_an_error(numbered):
    data = NoisyLabelData(batch_size=64)
    data.trainer = trainer(0, 3)
    with pytest.raises(UserError, match=r"data\.batch_size 64 is split over 3 processes"):
        data.setup("fit")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dataset": "imagenet"}, "data.dataset is 'imagenet'; allowed: cifar10, cifar100, digits,"),
        ({"noise_type": "gaussian"}, "data.noise_type is 'gaussian'; allowed: asymmetric, human,"),
        ({"noise_rate": 1.5}, r"noise rate 1\.5 is outside \[0, 1\]"),
        ({"noise_rate": float("nan")}, r"noise rate nan is outside \[0, 1\]"),
        ({"augment": "crop-flip"}, "data.augment is 'crop-flip'; allowed: .*; did you mean crop_flip"),
        ({"noise_type": "human"}, r"set --data\.noise_file"),
        ({"noise_file": "labels.txt"}, r"data\.noise_file is labels\.txt, but noise type symmetric reads no file"),
        ({"noise_key": "worse_label"}, r"data\.noise_key is worse_label, but noise type symmetric reads no file"),
        ({"noise_type_args": {"step": 2}}, "data.noise_type_args has step, which symmetric does not take"),
        ({"dataset_args": {"part": "extra"}}, "data.dataset_args has part, which digits does not take"),
        ({"augment_args": {"padding": 2}}, "data.augment_args has padding, which none does not take"),
        *[
            ({name: 0}, rf"data\.{name} is 0; it must be at least 1")
            for name in ("train_size", "batch_size", "eval_batch_size", "image_size", "eval_resize", "load_size")
        ],
        ({"val_size": -1}, r"data\.val_size is -1; it must be at least 0"),
        ({"eval_resize": 45}, r"data\.eval_resize is 45, .*data\.image_size \(None\)"),
        ({"eval_resize": 30, "image_size": 32}, r"data\.eval_resize is 30, .*data\.image_size \(32\)"),
        ({"load_size": 64}, r"load_size is for .*\(image_folder\), not for digits"),
    ],
)
def test_a_wrong_argument_is_a_one_line_error_before_any_data_is_read(numbered, arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        NoisyLabelData(**arguments)
    assert "\n" not in str(caught.value)
    assert numbered == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train_size": 1001}, "train_size 1001 and .*val_size 0 do not fit the 1000 training examples of the data"),
        ({"train_size": 900, "val_size": 101}, "train_size 900 and .*val_size 101 do not fit the 1000"),
        ({"val_size": 1000}, "val_size 1000 do not fit the 1000"),
        ({"val_size": 1001}, "val_size 1001 do not fit the 1000"),
        ({"image_size": 9}, r"image_size 9 is larger than the stored images \(8\); set --data\.eval_resize"),
        ({"image_size": 9, "augment": "crop_flip"}, "image_size 9 is larger than the stored images"),
        ({"noise_type": "asymmetric", "noise_rate": 0.4}, "asymmetric noise is not defined for digits, .*allowed"),
        ({"noise_type": "human", "noise_file": "SHORT"}, r"shape \[3\], but the training set has 1000 examples"),
        ({"dataset": "image_folder"}, "no folder of classes"),
    ],
)
def test_arguments_that_do_not_fit_the_data_are_one_line_errors(tmp_path, arguments, message):
    (tmp_path / "short.txt").write_text("1\n2\n3\n")
    given = {k: str(tmp_path / "short.txt") if v == "SHORT" else v for k, v in arguments.items()}
    with pytest.raises(UserError, match=message) as caught:
        NoisyLabelData(root=str(tmp_path), **given).load()
    assert "\n" not in str(caught.value)


def test_the_papers_views_of_larger_images(cifar_jpeg):
    data = NoisyLabelData(
        "image_folder",
        str(cifar_jpeg),
        load_size=64,
        image_size=32,
        eval_resize=45,
        augment="resized_crop_flip",
        batch_size=16,
    )
    assert data.split("train").images.shape[1:] == (3, 64, 64)
    train, _ = next(iter(data.train_dataloader()))
    test, _ = next(iter(data.test_dataloader()))
    assert train.shape == (16, 3, 32, 32)
    assert test.shape[1:] == (3, 32, 32)
    with pytest.raises(UserError, match="asymmetric noise is not defined for image_folder"):
        NoisyLabelData("image_folder", str(cifar_jpeg), noise_type="asymmetric").load()


@pytest.mark.parametrize(
    ("examples", "batches", "batch_size", "sizes"),
    [
        (201, 5, 8, [8, 1]),
        (201, 5, 50, [50, 1]),
        (201, 4, 8, [8, 8]),  # the last one is left out
        (201, 1, 50, [50]),
        (200, 4, 50, [50, 50]),
        (30, 1, 8, [8]),
        (30, 1, 50, [30]),
        (5, 1, 8, [5]),
        (1, 1, 8, [1]),
    ],
)
def test_an_excerpt_has_a_whole_batch_and_the_last_from_all_over_the_data(
    numbered, examples, batches, batch_size, sizes
):
    data = NoisyLabelData(train_size=examples, batch_size=50)
    short = data.excerpt(batches, batch_size)
    assert [len(labels) for _, labels in short.train_dataloader()] == sizes
    stored, chosen = numbers(data.split("train")), numbers(short.split("train"))
    gaps = np.diff([stored.index(number) for number in chosen] + [examples])
    assert set(gaps) <= {examples // sum(sizes), -(-examples // sum(sizes))}
    assert len(short.split("test").labels) == sum(sizes)
    assert len(data.split("train").labels) == examples
