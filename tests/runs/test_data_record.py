import json
from dataclasses import replace

import pytest

from sdd.errors import UserError
from sdd.runs.data_record import DataRecord, PartRecord, changes, comparable_parts
from sdd.runs.folder import RunFolder
from sdd.runs.noise_text import noise_lines

TRAIN = PartRecord([[6, 2, 0], [0, 5, 0], [1, 0, 6]], "i", "t", "l")
TEST = PartRecord([[3, 0, 0], [0, 3, 0], [0, 0, 4]], "I", "T", "T")
RECORD = DataRecord({"train": TRAIN, "test": TEST}, [0.5], [0.25])
ALL = ("train", "val", "test")


def test_what_follows_from_the_counts():
    assert (TRAIN.examples, TRAIN.per_class, TRAIN.wrong, TRAIN.noise_rate) == (20, [8, 5, 7], 3, 0.15)
    assert (TEST.examples, TEST.wrong, TEST.noise_rate) == (10, 0, 0)


def test_a_record_is_read_as_it_was_written(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.data_record() is None
    (tmp_path / ".lock").touch()  # a start's first file
    folder.write_data_record(RECORD)
    assert folder.data_record() == RECORD
    held = json.loads(folder.data_file.read_text())["parts"]["train"]
    assert (held["examples"], held["wrong"], held["noise_rate"]) == (20, 3, 0.15)
    assert "[ 6, 2, 0 ]" in folder.data_file.read_text()
    assert folder.state().name == "started"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "parts": [], "mean": [], "std": []}'])
def test_a_damaged_record_is_one_line_that_names_the_file(tmp_path, text):
    (tmp_path / "data.json").write_text(text)
    with pytest.raises(UserError, match=r"data\.json is damaged: ") as caught:
        RunFolder(tmp_path).data_record()
    assert "\n" not in str(caught.value)


def with_part(name, **other):
    return replace(RECORD, parts={**RECORD.parts, name: replace(RECORD.parts[name], **other)})


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (RECORD, []),
        (with_part("train", images="?"), ["other training images or another order of them"]),
        (with_part("test", images="?"), ["other test images or another order of them"]),
        (
            with_part("train", labels="?", transitions=[[7, 1, 0], [0, 5, 0], [1, 0, 6]]),
            ["other noisy labels of the training images (3 wrong, now 2)"],
        ),
        (
            with_part("train", labels="?", true_labels="?", transitions=[[6, 2, 0], [0, 6, 0], [1, 0, 5]]),
            ["other true labels of the training images (5 of class 1, now 6, 7 of class 2, now 6)"],
        ),
        (
            with_part("train", images="?", transitions=[[6, 2, 0], [0, 6, 0], [1, 0, 6]]),
            ["20 training examples, now 21 (5 of class 1, now 6)"],
        ),
        (with_part("test", transitions=[[3, 0], [0, 3]]), ["3 classes, now 2"]),
        (replace(RECORD, parts={**RECORD.parts, "val": TEST}), ["there was no validation part"]),
        (replace(RECORD, std=[0.3]), ["mean and standard deviation of the channels differ"]),
    ],
)
def test_changes_are_named_with_counts(now, said):
    assert changes(RECORD, now, ALL) == said


def test_only_parts_that_must_be_the_same_are_compared():
    now = replace(with_part("train", images="?"), std=[0.3])
    assert changes(RECORD, now, ("test",)) == ["mean and standard deviation of the channels differ"]
    assert changes(RECORD, now, ()) == []


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("data.augment", ALL),
        ("data.batch_size", ALL),
        ("model.loss", ALL),
        ("data.noise_rate", ("test",)),
        ("data.noise_type_args.step", ("test",)),
        ("data.train_size", ("test",)),
        ("data.root", ()),
        ("data.dataset_args.turns", ()),
    ],
)
def test_settings_say_which_parts_must_be_the_same(name, parts):
    assert comparable_parts({name: 1, "data.x": 1}, {name: 2}) == parts
    assert comparable_parts({name: 1}, {}) == ALL  # of a version without that option


def test_lines_for_a_terminal():
    assert noise_lines(replace(RECORD, parts={**RECORD.parts, "val": TEST})) == [
        "3 of 20 training labels are wrong (15.0%)",
        "0 of 10 validation labels are wrong (0.0%)",
        "labels of each true class, in percent:",
        "  true     0     1     2",
        "     0  75.0  25.0   0.0",
        "     1   0.0 100.0   0.0",
        "     2  14.3   0.0  85.7",
    ]
    named = noise_lines(replace(RECORD, parts={**RECORD.parts, "val": TEST}), ["cat", "cow", "dog"])
    assert named[2:4] == ["classes: 0 cat, 1 cow, 2 dog", "labels of each true class, in percent:"]
    assert noise_lines(replace(RECORD, parts={"train": TEST})) == ["0 of 10 training labels are wrong (0.0%)"]


def test_of_many_classes_the_most_frequent_changes_are_named():
    counts = [[2000 * (row == column) for column in range(20)] for row in range(20)]
    counts[7][3], counts[1][2], counts[0][19] = 1500, 8, 8
    assert noise_lines(replace(RECORD, parts={"train": replace(TRAIN, transitions=counts)}))[1:] == [
        "most frequent changes of the true class: 7 to 3 (1,500 of 3,500), 0 to 19 (8 of 2,008), 1 to 2 (8 of 2,008)"
    ]
    names = [f"class{number}" for number in range(20)]
    assert noise_lines(replace(RECORD, parts={"train": replace(TRAIN, transitions=counts)}), names)[1].startswith(
        "most frequent changes of the true class: class7 to class3 (1,500 of 3,500), class0 to class19"
    )
