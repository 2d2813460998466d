import math
import pickle
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sdd.data.noise import LOOK_ALIKES, add_noise, next_in_superclass, read_human_labels
from sdd.errors import UserError
from sdd.seeding import Stream

DRAWN = ["uniform", "symmetric", "pairflip", "asymmetric"]
ENOUGH = 1e-4  # a p-value below this is no chance

MNIST_MISTAKES = {2: 7, 3: 8, 5: 6, 6: 5}
CIFAR10_CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CIFAR10_MISTAKES = {
    "truck": "automobile",
    "bird": "airplane",
    "deer": "horse",
    "cat": "dog",
    "dog": "cat",
}


def balanced(count, num_classes=10):
    """Labels 0, 1, ..., 0, 1, ... shuffled."""
    return np.random.default_rng(0).permutation(np.arange(count) % num_classes)


def noise(labels, kind, rate, seed=0, num_classes=10, purpose="train label noise"):
    moves = {c: (c + 3) % num_classes for c in range(0, num_classes, 2)}
    return add_noise(labels, num_classes, kind, rate, Stream(seed, purpose), moves)


def transitions(labels, noisy, num_classes=10):
    """Count examples by true and noisy class."""
    counts = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(counts, (labels, noisy), 1)
    return counts


def chi_square(counts, probabilities):
    """P-value of a table of true by noisy class; where the probability is 0 there must be nothing."""
    expected = counts.sum(1, keepdims=True) * probabilities
    assert (counts[expected == 0] == 0).all()
    possible = expected > 0
    statistic = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
    freedom = (possible.sum(1) - 1).sum()
    return stats.chi2.sf(statistic, freedom)


def expected_transitions(kind, rate, num_classes, moves):
    """P[true, noisy] written out from the definitions, entry by entry."""
    table = np.zeros((num_classes, num_classes))
    for true in range(num_classes):
        for noisy in range(num_classes):
            if kind == "symmetric":
                table[true, noisy] = 1 - rate if noisy == true else rate / (num_classes - 1)
            elif kind == "pairflip":
                table[true, noisy] = {0: 1 - rate, 1: rate}.get((noisy - true) % num_classes, 0)
            elif true not in moves:
                table[true, noisy] = float(noisy == true)
            else:
                table[true, noisy] = {true: 1 - rate, moves[true]: rate}.get(noisy, 0)
    return table


@pytest.mark.parametrize("kind", ["symmetric", "pairflip", "asymmetric"])
@pytest.mark.parametrize("rate", [0.1, 0.4, 0.9])
@pytest.mark.parametrize("num_classes", [2, 10, 100])
def test_transitions_have_the_defined_probabilities(kind, rate, num_classes):
    labels = balanced(60_000, num_classes)
    noisy = noise(labels, kind, rate, num_classes=num_classes)
    moves = {c: (c + 3) % num_classes for c in range(0, num_classes, 2)}
    expected = expected_transitions(kind, rate, num_classes, moves)
    assert chi_square(transitions(labels, noisy.labels, num_classes), expected) > ENOUGH


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
def test_uniform_noise_redraws_a_share_over_all_classes(rate):
    count, num_classes = 50_000, 10
    labels = balanced(count)
    noisy = noise(labels, "uniform", rate)
    redrawn = math.ceil(rate * count)
    changed = int(noisy.flipped.sum())
    assert stats.binomtest(changed, redrawn, 1 - 1 / num_classes).pvalue > ENOUGH
    expected = np.full((num_classes, num_classes), rate / num_classes) + (1 - rate) * np.eye(num_classes)
    assert chi_square(transitions(labels, noisy.labels), expected) > ENOUGH


@pytest.mark.parametrize(
    ("rate", "count", "redrawn"),
    [(0.4, 1000, 400), (0.07, 100, 7), (0.001, 10, 1), (1.0, 37, 37), (0.0, 9, 0)],
)
def test_uniform_noise_redraws_exactly_the_share_rounded_up(rate, count, redrawn):
    # With 10**9 classes a redrawn label is never the true one again, so redrawn and changed are the same.
    noisy = add_noise(np.zeros(count, dtype=np.int64), 10**9, "uniform", rate, Stream(0, "x"))
    assert noisy.flipped.sum() == redrawn


def test_uniform_noise_chooses_every_example_equally_often():
    times = sum(
        add_noise(np.zeros(40, dtype=np.int64), 10**9, "uniform", 0.25, Stream(seed, "x")).flipped.astype(int)
        for seed in range(2000)
    )
    # Without replacement the counts have variance n p (1 − p), and they sum to a constant.
    statistic = ((times - 500) ** 2).sum() / (500 * 0.75) * 39 / 40
    assert stats.chi2.sf(statistic, 39) > ENOUGH
    assert stats.chi2.cdf(statistic, 39) > ENOUGH


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_asymmetric_noise_mistakes_the_published_pairs_of_classes(name):
    if name == "mnist":
        mistakes = MNIST_MISTAKES
    else:
        number = {class_name: index for index, class_name in enumerate(CIFAR10_CLASSES)}
        mistakes = {number[true]: number[taken_for] for true, taken_for in CIFAR10_MISTAKES.items()}
    labels = balanced(20_000)
    noisy = add_noise(labels, 10, "asymmetric", 0.4, Stream(0, "x"), LOOK_ALIKES[name])
    counts = transitions(labels, noisy.labels)
    seen = {(int(a), int(b)) for a, b in np.argwhere(counts) if a != b}
    assert seen == set(mistakes.items())
    for true, taken_for in mistakes.items():
        assert stats.binomtest(int(counts[true, taken_for]), 2000, 0.4).pvalue > ENOUGH


def test_superclass_noise_goes_round_each_superclass_in_order():
    assert next_in_superclass([1, 0, 1, 0, 2, 1]) == {0: 2, 2: 5, 5: 0, 1: 3, 3: 1, 4: 4}


@pytest.mark.parametrize("kind", DRAWN)
def test_a_rate_of_zero_changes_nothing(kind):
    labels = balanced(5000)
    noisy = noise(labels, kind, 0.0)
    np.testing.assert_array_equal(noisy.labels, labels)
    assert not noisy.flipped.any()


@pytest.mark.parametrize("kind", DRAWN)
def test_a_rate_of_one_moves_every_label_that_can_move(kind):
    labels = balanced(20_000)
    noisy = noise(labels, kind, 1.0)
    if kind == "uniform":
        assert stats.chisquare(np.bincount(noisy.labels)).pvalue > ENOUGH
        assert chi_square(transitions(labels, noisy.labels), np.full((10, 10), 0.1)) > ENOUGH
    elif kind == "asymmetric":
        np.testing.assert_array_equal(noisy.flipped, labels % 2 == 0)
    else:
        assert noisy.flipped.all()


@given(
    st.lists(st.integers(0, 6), max_size=60),
    st.sampled_from(DRAWN),
    st.floats(0, 1),
    st.integers(0, 2**32),
)
def test_flipped_is_where_labels_differ_and_labels_stay_in_range(true, kind, rate, seed):
    labels = np.array(true, dtype=np.int64)
    kept = labels.copy()
    noisy = noise(labels, kind, rate, seed, num_classes=7)
    np.testing.assert_array_equal(noisy.flipped, noisy.labels != labels)
    assert noisy.labels.dtype == np.int64
    assert noisy.flipped.dtype == np.bool_
    assert noisy.labels.shape == labels.shape
    assert ((noisy.labels >= 0) & (noisy.labels < 7)).all()
    assert noisy.flipped.sum() <= math.ceil(rate * len(labels)) or kind != "uniform"
    np.testing.assert_array_equal(labels, kept)
    np.testing.assert_array_equal(noise(labels, kind, rate, seed, num_classes=7).labels, noisy.labels)


@pytest.mark.parametrize("kind", DRAWN)
def test_noise_depends_on_its_seed_and_purpose_alone(kind):
    labels = balanced(2000)
    draws = []
    for global_seed in (0, 1):
        np.random.seed(global_seed)  # noqa: NPY002
        torch.manual_seed(global_seed)
        draws.append(noise(labels, kind, 0.4, seed=5))
    np.testing.assert_array_equal(draws[0].labels, draws[1].labels)
    for other in (
        noise(labels, kind, 0.4, seed=6),
        noise(labels, kind, 0.4, seed=5, purpose="val label noise"),
    ):
        # Two independent draws agree on about as many flips as chance has it, not on all or none.
        both = int((other.flipped & draws[0].flipped).sum())
        assert 0 < both < 0.75 * draws[0].flipped.sum()


@pytest.mark.parametrize(
    ("kind", "first_twenty"),
    [
        ("uniform", [0, 6, 1, 0, 4, 5, 2, 7, 8, 4, 3, 1, 2, 3, 1, 5, 2, 7, 8, 9]),
        ("symmetric", [0, 6, 3, 5, 4, 5, 0, 7, 8, 2, 7, 1, 2, 3, 3, 5, 9, 7, 8, 9]),
        ("pairflip", [0, 2, 3, 4, 4, 5, 7, 7, 8, 0, 1, 1, 2, 3, 5, 5, 7, 7, 8, 9]),
        ("asymmetric", [0, 1, 7, 8, 4, 5, 5, 7, 8, 9, 0, 1, 2, 3, 4, 5, 5, 7, 8, 9]),
    ],
)
def test_noise_is_the_same_on_every_machine(kind, first_twenty):
    true = np.arange(20) % 10
    noisy = add_noise(true, 10, kind, 0.4, Stream(0, "train label noise"), MNIST_MISTAKES)
    assert noisy.labels.tolist() == first_twenty


@pytest.mark.parametrize("kind", ["uniform", "symmetric", "pairflip"])
def test_noise_is_independent_of_the_draw_of_a_subset(kind):
    # One permutation for both would make a 10 % subset noise from end to end.
    count = 20_000
    subset = Stream(0, "training subset").permutation(count)[: count // 10]
    flipped = noise(balanced(count), kind, 0.4).flipped
    share = flipped.mean()
    assert stats.binomtest(int(flipped[subset].sum()), len(subset), share).pvalue > ENOUGH


@pytest.mark.parametrize("rate", [-0.01, 1.01, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", [*DRAWN, "human"])
def test_a_rate_outside_zero_to_one_is_an_error(kind, rate):
    with pytest.raises(UserError, match=rf"noise rate {rate} is outside \[0, 1\]"):
        noise(balanced(10), kind, rate)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "gaussian",
            "unknown noise type 'gaussian'; allowed: uniform, symmetric, pairflip, asymmetric, human",
        ),
        ("asymmetric", "known look-alike classes"),
        ("human", "--data.noise_file"),
    ],
)
def test_a_type_that_cannot_be_made_is_an_error(kind, message):
    with pytest.raises(UserError, match=message) as caught:
        add_noise(balanced(10), 10, kind, 0.5, Stream(0, "x"))
    assert "\n" not in str(caught.value)


def test_human_labels_are_taken_as_they_are():
    labels, human = np.array([0, 1, 2, 3]), np.array([0, 2, 2, 9])
    noisy = add_noise(labels, 10, "human", 0.0, Stream(0, "x"), human_labels=human)
    assert noisy.labels.tolist() == [0, 2, 2, 9]
    assert noisy.flipped.tolist() == [False, True, False, True]


HUMAN = [3, 0, 9, 4, 4]


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
        (["cat", "dog", "cat", "cat", "dog"], "not whole numbers|cannot read the label file"),
    ],
)
def test_labels_that_do_not_fit_are_one_line_errors(tmp_path, name, content, message):
    path = write(tmp_path / name, content)
    with pytest.raises(UserError, match=message) as caught:
        read_human_labels(path, None, 5, 10)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", [None, "worst_label"])
def test_a_missing_key_is_an_error_that_names_those_there(tmp_path, key):
    with pytest.raises(UserError, match=r"--data\.noise_key to one of: clean_label, worse_label"):
        read_human_labels(cifar_n(tmp_path / "human.pt"), key, 5, 10)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(UserError, match=r"no label file .*human\.pt: set --data\.noise_file"):
        read_human_labels(tmp_path / "human.pt", None, 5, 10)


@pytest.mark.parametrize("name", ["x.pt", "x.npy", "x.txt"])
@pytest.mark.parametrize("content", [b"", b"no labels here\n\n\xff"])
@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data")
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
