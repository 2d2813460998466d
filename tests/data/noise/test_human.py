import math
import pickle
import zipfile

import numpy as np
import pytest
import torch

from sdd.data.noise import CleanLabels, LabelFile
from sdd.data.noise.human import chosen_labels, human, read_label_file
from sdd.errors import UserError
from sdd.seeding import Stream

HUMAN = [3, 0, 9, 4, 4]


def read_human_labels(path, key, expected, num_classes):
    if path.suffix == ".txt":
        file = LabelFile(path, key, expected, np.arange(expected))
        return human(CleanLabels(np.zeros(expected, dtype=int), num_classes, 0.0, Stream(0, "x"), file=file))
    return chosen_labels(read_label_file(path), path, key, expected, num_classes)


def test_labels_follow_the_places_of_their_examples(tmp_path):
    file = LabelFile(write(tmp_path / "labels.txt", HUMAN), None, 5, np.array([4, 1, 2]))
    clean = CleanLabels(np.array([0, 0, 0]), 10, 0.0, Stream(0, "x"), file=file)
    assert human(clean).tolist() == [4, 0, 9]


def cifar_n(path, dtype=np.int64, **saving):
    """A file as CIFAR-N's are: a dictionary of label arrays written by torch.save."""
    content = {"clean_label": np.array([3, 0, 9, 4, 5]), "worse_label": np.array(HUMAN, dtype=dtype)}
    torch.save(content, path, **saving)
    return path


def with_numpy_names(path, old, new):
    """Rename NumPy's module in the pickle inside a zip that torch.save wrote."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    data = next(name for name in parts if name.endswith("data.pkl"))
    assert old in parts[data]
    parts[data] = parts[data].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_cifar_n_file_is_read_whatever_its_integers_and_container(tmp_path, dtype, zipped):
    path = cifar_n(tmp_path / "human.pt", np.dtype(dtype), _use_new_zipfile_serialization=zipped)
    labels = read_human_labels(path, "worse_label", 5, 10)
    assert labels.tolist() == HUMAN
    assert labels.dtype == np.int64


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_a_cifar_n_file_is_read_whichever_numpy_wrote_it(tmp_path, module):
    current = np.zeros(1).__reduce__()[0].__module__.encode()
    path = with_numpy_names(cifar_n(tmp_path / "human.pt"), current, module)
    assert read_human_labels(path, "worse_label", 5, 10).tolist() == HUMAN


def write(path, content):
    if path.suffix == ".pt":
        torch.save(content, path)
    elif path.suffix == ".npy":
        np.save(path, np.array(content))
    else:
        path.write_text("".join(f"{label}\n" for label in content))
    return path


@pytest.mark.parametrize("name", ["labels.pt", "labels.npy", "labels.txt"])
def test_plain_lists_of_labels_need_no_key(tmp_path, name):
    assert read_human_labels(write(tmp_path / name, HUMAN), None, 5, 10).tolist() == HUMAN


def test_tensors_in_a_dictionary_are_labels_too(tmp_path):
    path = write(tmp_path / "labels.pt", {"noisy_label": torch.tensor(HUMAN)})
    assert read_human_labels(path, "noisy_label", 5, 10).tolist() == HUMAN


@pytest.mark.parametrize("name", ["labels.pt", "labels.npy", "labels.txt"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([3, 0, 9, 4], r"labels of shape \[4\], but the training set has 5 examples"),
        ([3, 0, 9, 4, 4, 4], r"labels of shape \[6\], but the training set has 5 examples"),
        ([3, 0, 10, 4, 4], "labels from 0 to 10; allowed: 0 to 9"),
        ([3, -1, 9, 4, 4], "labels from -1 to 9; allowed: 0 to 9"),
        ([3, 0, 1.5, 4, 4], "not whole numbers"),
        ([3, 0, math.nan, 4, 4], "not whole numbers"),
        (
            ["cat", "dog", "cat", "cat", "dog"],
            "not whole numbers|cannot read the label file|'cat' is no label; allowed: whole",
        ),
    ],
)
def test_labels_that_do_not_fit_are_one_line_errors(tmp_path, name, content, message):
    path = write(tmp_path / name, content)
    with pytest.raises(UserError, match=message) as caught:
        read_human_labels(path, None, 5, 10)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (torch.tensor(HUMAN, dtype=torch.bfloat16), "odd of .* holds no plain list of labels"),
        (torch.tensor(HUMAN, dtype=torch.float32, requires_grad=True), "odd of .* holds no plain list of labels"),
        ([1e300] * 5, r"labels from 1e\+300 to 1e\+300; allowed: 0 to 9"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_numpy_cannot_hold_is_one_line_and_never_offered(tmp_path, labels, words):
    path = write(tmp_path / "labels.pt", {"odd": labels, "noisy_label": HUMAN})
    with pytest.raises(UserError, match=words) as caught:
        read_human_labels(path, "odd", 5, 10)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"one of: noisy_label$"):
        read_human_labels(path, "other", 5, 10)


@pytest.mark.parametrize("name", ["labels.pt", "labels.npy", "labels.txt"])
def test_a_key_where_there_are_no_entries_is_an_error(tmp_path, name):
    with pytest.raises(UserError, match=r"one list of labels, .*leave --data\.noise_key unset") as caught:
        read_human_labels(write(tmp_path / name, HUMAN), "worse_label", 5, 10)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", [None, "worst_label"])
def test_a_missing_key_is_an_error_that_names_those_there(tmp_path, key):
    with pytest.raises(UserError, match=r"--data\.noise_key to one of: clean_label, worse_label"):
        read_human_labels(cifar_n(tmp_path / "human.pt"), key, 5, 10)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(UserError, match=r"no label file .*human\.txt: set --data\.noise_file"):
        read_human_labels(tmp_path / "human.txt", None, 5, 10)


@pytest.mark.parametrize("name", ["x.pt", "x.npy", "x.txt"])
@pytest.mark.parametrize("content", [b"", b"junk", b"no labels here\n\n\xff"])
def test_a_damaged_file_is_a_one_line_error(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=r"x\.(pt|npy|txt)") as caught:
        read_human_labels(tmp_path / name, None, 5, 10)
    assert "\n" not in str(caught.value)


def test_rows_of_differing_length_are_an_error(tmp_path):
    with pytest.raises(UserError, match="no plain list of labels"):
        read_human_labels(write(tmp_path / "x.pt", [[1, 2], [3]]), None, 2, 10)


class Intruder:
    """Would make a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("name", ["x.pt", "x.npy"])
def test_a_label_file_cannot_run_code(tmp_path, name):
    made = tmp_path / "made"
    content = {"worse_label": Intruder(str(made))}
    if name.endswith(".pt"):
        torch.save(content, tmp_path / name)
    else:
        np.save(tmp_path / name, np.array([content], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="cannot read the label file"):
        read_human_labels(tmp_path / name, "worse_label", 5, 10)
    assert not made.exists()
    pickle.loads(pickle.dumps(content))["worse_label"].close()
    assert made.exists()  # so the test would have seen it


TRUE = np.arange(200) % 100
NOISY = np.where(np.arange(200) % 5 == 0, (TRUE + 1) % 100, TRUE)


def cifar_100_n(path, **entries):
    """A file as CIFAR-100N's is."""
    content = {"clean_label": TRUE, "noisy_label": NOISY, "noisy_coarse_label": TRUE // 5}
    torch.save(content | entries, path)
    return path


def as_noise(path, key, true_labels=TRUE, places=None, num_classes=100):
    places = np.arange(200) if places is None else places
    file = LabelFile(path, key, 200, places)
    return human(CleanLabels(true_labels[places], num_classes, 0.0, Stream(0, "x"), file=file))


def test_a_file_whose_true_labels_are_those_of_the_data_is_taken(tmp_path):
    assert np.array_equal(as_noise(cifar_100_n(tmp_path / "human.pt"), "noisy_label"), NOISY)
    as_floats = cifar_100_n(tmp_path / "floats.pt", clean_label=torch.tensor(TRUE, dtype=torch.float32))
    assert np.array_equal(as_noise(as_floats, "noisy_label", places=np.array([7, 0])), NOISY[[7, 0]])


@pytest.mark.parametrize("places", [None, np.array([0, 10, 11, 150])])
def test_a_file_in_another_order_is_refused_with_how_many_disagree(tmp_path, places):
    order = np.arange(200)
    order[[10, 11]] = [11, 10]
    path = cifar_100_n(tmp_path / "human.pt")
    asked = len(order if places is None else places)
    with pytest.raises(UserError, match=rf"clean_label of .*human\.pt .* for 2 of {asked} examples.*order") as caught:
        as_noise(path, "noisy_label", TRUE[order], places)
    assert "\n" not in str(caught.value)


def test_true_labels_of_another_length_are_refused_too(tmp_path):
    path = cifar_100_n(tmp_path / "human.pt", clean_label=TRUE[:50])
    with pytest.raises(UserError, match=r"clean_label of .* labels of shape \[50\], but the training set has 200"):
        as_noise(path, "noisy_label")


@pytest.mark.parametrize("key", ["noisy_coarse_label", None, "worse_label"])
def test_superclasses_are_neither_taken_nor_offered_for_all_classes(tmp_path, key):
    path = cifar_100_n(tmp_path / "human.pt", short_label=[1])
    with pytest.raises(UserError) as caught:
        as_noise(path, key)
    assert str(caught.value).endswith("set --data.noise_key to one of: clean_label, noisy_label")
    if key == "noisy_coarse_label":
        assert "superclasses, 0 to 19, but the data set has 100 classes" in str(caught.value)


def test_superclasses_are_the_labels_of_a_data_set_of_superclasses(tmp_path):
    path = cifar_100_n(tmp_path / "human.pt")
    assert np.array_equal(as_noise(path, "noisy_coarse_label", TRUE // 5, num_classes=20), TRUE // 5)
    with pytest.raises(UserError, match="one of: noisy_coarse_label"):
        as_noise(path, None, TRUE // 5, num_classes=20)


def test_a_file_without_a_fitting_entry_offers_none(tmp_path):
    path = write(tmp_path / "other.pt", {"worse_label": [1, 2, 3]})
    with pytest.raises(UserError, match="none of its entries has 200 labels of 100 classes"):
        as_noise(path, "noisy_label")
