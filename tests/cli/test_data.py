"""`python -m sdd data`: what it says of the data is what is trained on."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from sdd.__main__ import main
from sdd.data import NoisyLabelData

NETLESS = ["--model.net", "sdd.models.MLP", "--model.net.in_features", "1", "--model.net.num_classes", "2"]
DIGITS = ["--config", "digits_mlp", "--data.train_size", "90", "--data.val_size", "20", "--data.noise_rate", "0.5"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four images of two classes, whose names are not in the order of their making."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("train/dog/b.png", "train/cat/10.png", "train/cat/9.png", "train/dog/a/z.png")):
        for path in (tmp_path / name, tmp_path / name.replace("train", "test")):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (4, 4), (number, 0, 0)).save(path)
    return tmp_path


def listed(capsys, *settings):
    assert main(["data", *settings, "--list"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_the_list_is_what_is_trained_on(capsys):
    rows = listed(capsys, *DIGITS)
    data = NoisyLabelData(dataset="digits", train_size=90, val_size=20, noise_rate=0.5)
    whole = NoisyLabelData(dataset="digits").split("train")
    for part in ("train", "val", "test"):
        split, of_part = data.split(part), [row for row in rows if row["part"] == part]
        assert [int(row["row"]) for row in of_part] == list(range(len(split.labels)))
        assert [int(row["label"]) for row in of_part] == split.labels.tolist()
        assert [int(row["true_label"]) for row in of_part] == split.true_labels.tolist()
        if part != "test":
            assert np.array_equal(whole.images[[int(row["place"]) for row in of_part]], split.images)


def test_an_image_folder_is_listed_by_file_in_the_order_of_a_label_file(folder, capsys):
    settings = [*NETLESS, "--data.dataset", "image_folder", "--data.root", str(folder)]
    rows = [row for row in listed(capsys, *settings) if row["part"] == "train"]
    files = ["train/cat/10.png", "train/cat/9.png", "train/dog/b.png", "train/dog/a/z.png"]
    assert [row["file"].removeprefix(f"{folder}/") for row in rows] == files
    assert [row["class"] for row in rows] == ["cat", "cat", "dog", "dog"]
    (folder / "labels.txt").write_text("\n".join("1" if row["file"].endswith("9.png") else "0" for row in rows))
    noisy = listed(capsys, *settings, "--data.noise_type", "human", "--data.noise_file", "labels.txt")
    assert [row["label"] for row in noisy if row["part"] == "train"] == ["0", "1", "0", "0"]
    assert [row["class"] for row in noisy if row["part"] == "train"] == ["cat", "dog", "cat", "cat"]


def test_parts_classes_and_noise_are_told_and_a_page_is_drawn(folder, capsys):
    assert main(["data", *DIGITS, "--picture", "page.png"]) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    data = NoisyLabelData(dataset="digits", train_size=90, val_size=20, noise_rate=0.5)
    assert lines[0] == "digits: images of 1 × 8 × 8, 10 classes"
    assert lines[1].startswith("training: 90 examples, ")
    assert lines[3] == "test: 797 examples, 70 to 89 of a class"
    assert f"{int(data.split('train').flipped.sum())} of 90 training labels are wrong" in told.out
    assert f"{int(data.split('train').spread(60).flipped.sum())} with a wrong label" in told.err
    with Image.open("page.png") as page:
        assert page.width > 1000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--picture", "page.txt"], "it must end in .png"),
        (["--picture", "/dev/null/page.png"], "the folder of --picture is /dev/null, but /dev/null is a file"),
        (["--data.noise_rte", "0"], "did you mean --data.noise_rate?"),
        (["--lst"], "--lst is not a setting"),
        (["--data.train_size", "5000"], "do not fit the 1000 training examples"),
    ],
)
def test_what_is_wrong_is_one_line(folder, capsys, words, said):
    assert main(["data", "--config", "digits_mlp", *words]) == 2
    line = capsys.readouterr().err
    assert line.startswith("sdd: error: ")
    assert line.count("\n") == 1
    assert said in line
