"""Label files of one's own: whatever their order and columns, they give the labels that were written, or say a line."""

import csv
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdd.__main__ import main
from sdd.data.noise import CleanLabels, LabelFile
from sdd.data.noise.human import human
from sdd.errors import UserError
from sdd.seeding import Stream

CLASSES = ["bird", "cat", "red fox"]
FILES = [f"/data/my set/train/{name}/{number}.png" for name in CLASSES for number in (1, 2, 30)]
TRUE = [0, 0, 0, 1, 1, 1, 2, 2, 2]
LABELS = [0, 2, 0, 1, 1, 0, 2, 2, 1]
EVERY = np.arange(9)
FEW_FILES = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path, text, *, key=None, classes=CLASSES, files=FILES, places=EVERY, true=TRUE, num_classes=3):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    file = LabelFile(path, key, len(true), np.asarray(places), classes, files)
    clean = CleanLabels(np.asarray(true)[places], num_classes, 0.0, Stream(0, "x"), file=file)
    return human(clean).tolist()


def refused(path, text, words, **known):
    with pytest.raises(UserError, match=words) as caught:
        read(path, text, **known)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@st.composite
def tables(draw):
    """A text that gives LABELS, in one of the many ways to write it."""
    by = draw(st.sampled_from(["order", "index", "file"]))
    order = list(range(9)) if by == "order" else draw(st.permutations(range(9)))
    number = draw(st.booleans())
    columns = {
        draw(st.sampled_from(["label", "noisy_label", "Label"] if number else ["class", "label"])): [
            LABELS[place] if number else CLASSES[LABELS[place]] for place in order
        ]
    }
    if by == "index":
        columns[draw(st.sampled_from(["index", "place"]))] = order
    if by == "file":
        parts = draw(st.sampled_from([2, 3, 5, 6]))
        slash = draw(st.sampled_from(["/", "\\"]))
        columns[draw(st.sampled_from(["file", "path", "filename"]))] = [
            slash.join(FILES[place].split("/")[-parts:]) for place in order
        ]
    if draw(st.booleans()):
        columns["true_label"] = [TRUE[place] for place in order]
    names = draw(st.permutations(list(columns)))
    out = io.StringIO()
    table = csv.writer(out, delimiter=draw(st.sampled_from([",", "\t", ";"])) if len(names) > 1 else ",")
    table.writerow(names)
    table.writerows(zip(*(columns[name] for name in names), strict=True))
    return draw(st.sampled_from(["", "\ufeff", "# ours\n\n"])) + out.getvalue()


@FEW_FILES
@given(tables(), st.sets(st.integers(0, 8), min_size=1))
def test_labels_in_any_order_and_form_are_those_of_their_examples(tmp_path, text, places):
    places = sorted(places)
    assert read(tmp_path / "labels.csv", text, places=places) == [LABELS[place] for place in places]


@FEW_FILES
@given(tables(), st.data())
def test_a_line_that_is_lost_or_given_twice_is_told(tmp_path, text, data):
    lines = text.splitlines()
    line = data.draw(st.integers(len(lines) - 9, len(lines) - 1))
    keyed = any(name in text.lower() for name in ("index", "place", "file", "path"))
    without = "\n".join(lines[:line] + lines[line + 1 :])
    twice = "\n".join([*lines, lines[line]])
    refused(tmp_path / "a.csv", without, "no label for 1 of 9" if keyed else r"shape \[8\].* has 9 examples")
    refused(tmp_path / "b.csv", twice, rf":{len(lines) + 1}: .*already, in line {line + 1}" if keyed else r"\[10\]")


def test_lists_without_a_header(tmp_path):
    for text in (
        "\n".join(map(str, LABELS)),
        " ".join(map(str, LABELS)),
        ",".join(map(str, LABELS)),
        "label\n" + "\n".join(map(str, LABELS)),
        "\r\n".join(f"{label}.0" for label in LABELS),
        "\n".join(CLASSES[label] for label in LABELS),
        "\n".join(f"{name} {label}" for name, label in zip(FILES[::-1], LABELS[::-1], strict=True)),
        "\n".join(
            f"{CLASSES[label]}\ttrain/{name.split('/train/')[1]}" for name, label in zip(FILES, LABELS, strict=True)
        ),
    ):
        assert read(tmp_path / "labels.txt", text) == LABELS


def test_what_the_command_lists_is_a_label_file_to_edit(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = ["--config", "digits_mlp", "--data.train_size", "90", "--data.val_size", "20", "--data.noise_rate", "0"]

    def listed(*more):
        assert main(["data", *settings, "--list", *more]) == 0
        return capsys.readouterr().out

    rows = list(csv.reader(io.StringIO(listed())))
    label = rows[0].index("label")
    for row in rows[1:]:
        row[label] = str((int(row[label]) + 1) % 10) if row[0] != "test" else row[label]
    with open("mine.csv", "w") as file:
        csv.writer(file).writerows(rows)
    own = list(csv.reader(io.StringIO(listed("--data.noise_type", "human", "--data.noise_file", "mine.csv"))))
    assert own == rows


HEAD = "index,label\n"
NINE = [f"{place},{label}" for place, label in enumerate(LABELS)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no labels"),
        ("# nothing\n", "holds no labels"),
        (b"0\n\xff\n", "UTF-8"),
        ("index,label\n", "only the header index, label"),
        (HEAD + "\n".join([*NINE[:8], "9,0"]), ":10: index 9 is none of the training set; allowed: 0 to 8"),
        (HEAD + "\n".join([*NINE[:8], "8.5,0"]), r":10: index 8\.5 is none"),
        (HEAD + "\n".join([*NINE[:8], "8,3"]), ":10: label 3 is no class; allowed: whole numbers from 0 to 2"),
        (HEAD + "\n".join([*NINE[:8], "8,1.5"]), r":10: label 1\.5 is no class"),
        (HEAD + "\n".join([*NINE[:8], "8,brid"]), ":10: 'brid' is no class; .*bird, cat, red fox, or their numbers"),
        ("index,class\n0,brid", r":2: 'brid' is no class; there are: bird, cat, red fox; did you mean bird\?"),
        (HEAD + "\n".join([*NINE[:8], "8,0,1"]), ":10 has 3 columns, but the first line has 2"),
        ("file,label\nbird/4.png,0", r":2: there is no training image 'bird/4\.png'; .*such as .*bird/1\.png"),
        ("file,label\n1.png,0", r":2: 1\.png may be .*bird/1\.png and .*cat/1\.png: write it with its folders"),
        ("\n".join(NINE), r"2 columns without a header \(0, 0\); a label file is text with one label a line"),
        ("index,label,label\n0,1,1", "several columns 'label'"),
        ("index,one_label,two_label\n0,1,1", "set --data.noise_key to one of: one_label, two_label"),
        (
            "index,mine,yours\n0,1,1",
            "columns of .* are index, mine, yours, and which is the label is open; a label file",
        ),
        ("index,label,class\n0,1,bird", ":2: label 1 and class bird differ .*noise_key"),
        ("label,true_label\n" + "0,1\n" * 9, r"true_label of .* is not the true label for 6 of 9"),
        ("image id,label\n" + "0,1\n" * 9, "whether column 'image id' of .* tells the examples is open: call it file"),
        ('index,label\n"0,1\n', "cannot read the label file|columns"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, text, words):
    refused(tmp_path / "labels.csv", text, words)


def test_the_key_chooses_a_column(tmp_path):
    both = "index,label,class\n" + "\n".join(f"{place},0,{CLASSES[label]}" for place, label in enumerate(LABELS))
    assert read(tmp_path / "a.csv", both, key="class") == LABELS
    assert read(tmp_path / "a.csv", both, key="label") == [0] * 9
    refused(tmp_path / "a.csv", both, r"no column 'lable' in .*did you mean label\?", key="lable")
    refused(tmp_path / "b.txt", "0\n" * 9, "leave --data.noise_key unset", key="label")


def test_files_are_known_by_what_they_are_whatever_their_column_is_called(tmp_path):
    text = "label,picture\n" + "\n".join(f"{label},{name}" for label, name in zip(LABELS, FILES, strict=True))
    assert read(tmp_path / "a.csv", text) == LABELS
    several = "one_label,two_label\n" + "\n".join(f"0,{label}" for label in LABELS)
    assert read(tmp_path / "a.csv", several, key="two_label") == LABELS


def test_images_without_files_have_labels_by_index_alone(tmp_path):
    refused(tmp_path / "a.csv", "file,label\n1.png,0", "no files of their own: give an index column", files=None)
    assert read(tmp_path / "a.csv", HEAD + "\n".join(NINE[::-1]), files=None, classes=None) == LABELS
    refused(
        tmp_path / "a.csv", HEAD + "0,cat", ":2: 'cat' is no label; allowed: whole numbers from 0 to 2", classes=None
    )


def test_classes_that_are_called_by_other_numbers_than_theirs_must_be_told(tmp_path):
    names = ["10", "2", "3"]
    refused(tmp_path / "a.csv", "2\n" * 9, "2 in .* is the name of class 1, .*column class .*number", classes=names)
    assert read(tmp_path / "a.csv", "class\n" + "2\n" * 9, classes=names) == [1] * 9
    assert read(tmp_path / "a.csv", "number\n" + "2\n" * 9, classes=names) == [2] * 9
    assert read(tmp_path / "a.csv", "2\n" * 9, classes=["0", "1", "2"]) == [2] * 9
    listed = "true_label,label,true_class,class\n" + "".join(f"{true},1,{names[true]},2\n" for true in TRUE)
    assert read(tmp_path / "a.csv", listed, classes=names) == [1] * 9
    differing = listed.replace(",1,", ",2,")
    refused(tmp_path / "a.csv", differing, "label 2 and class 2 differ", classes=names)
