"""A run goes on, is measured, tested and built on only with the data that it was started with."""

import shutil

import numpy as np
import pytest
from PIL import Image

from sdd.__main__ import main
from sdd.runs.folder import RunFolder

CLASSES, EACH = ("a", "b", "c"), 8
NET = ["--model.net", "sdd.models.MLP", "--model.net.in_features", "48", "--model.net.widths", "[6]"]
SHORT = ["--pruning.levels", "1", "--pruning.epochs_per_level", "1", "--progress.show", "none", "--threads", "1"]


def image(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)).save(path)


def command(name, folder, *more):
    data = ["--data.dataset", "image_folder", "--data.root", "images", "--data.batch_size", "12"]
    noise = ["--data.noise_type", "human", "--data.noise_file", "labels.txt"]
    net = [*NET, "--model.net.num_classes", str(len(CLASSES))]
    return [name, *data, *noise, *net, *SHORT, "--run_dir", folder, *more]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with images, labels that people gave, a finished run of them and its dense network."""
    place = tmp_path_factory.mktemp("trained")
    for part in ("train", "test"):
        for number, name in enumerate(CLASSES):
            for index in range(EACH):
                image(place / "images" / part / name / f"{index}.png", [part == "test", number, index])
    labels = [0] * EACH + [1] * (EACH - 2) + [2] * (EACH + 2)
    (place / "labels.txt").write_text("\n".join(map(str, labels)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert main(command("fit", "run")) == 0
        assert main(command("fit", "dense", "--pruning.levels", "0")) == 0
    return place


@pytest.fixture
def here(trained, tmp_path, monkeypatch):
    """A copy of it."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def unfinished(folder):
    """Make a finished run one that has to go on."""
    RunFolder(folder).summary.unlink()


def moved(here):
    (here / "images" / "train" / "a" / "7.png").rename(here / "images" / "train" / "b" / "00.png")


def rewritten(here):
    labels = here.joinpath("labels.txt").read_text().split()
    here.joinpath("labels.txt").write_text("\n".join([*labels[:-1], "1"]))


CHANGES = {
    "an image added": (
        lambda here: image(here / "images" / "test" / "c" / "8.png", 9),
        "24 test examples, now 25 (8 of class 2, now 9)",
    ),
    "an image removed": (lambda here: (here / "images" / "test" / "a" / "0.png").unlink(), "24 test examples, now 23"),
    "an image moved": (moved, "other true labels of the training images (8 of class 0, now 7, 8 of class 1, now 9)"),
    "an image replaced": (
        lambda here: image(here / "images" / "train" / "a" / "3.png", 9),
        "run was started with other data: other training images or another order of them; put the data back",
    ),
    "labels rewritten": (rewritten, "other noisy labels of the training images (2 wrong, now 3)"),
}


def refused(arguments, capsys):
    """Return the line by which a command is refused."""
    assert main(arguments) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("sdd: error: ")]
    return line


QUICK = {"an image moved", "labels rewritten"}


@pytest.mark.parametrize(
    "change", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in CHANGES]
)
def test_changed_data_are_refused_with_the_difference(here, change, capsys):
    how, said = CHANGES[change]
    how(here)
    before = {path: path.read_bytes() for path in (here / "run").rglob("*") if path.is_file()}
    assert said in refused(command("test", "run"), capsys)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_whatever_builds_on_a_run_is_refused_with_changed_data(here, capsys):
    how, said = CHANGES["labels rewritten"]
    how(here)
    masks = ["--pruning.retrain", "scratch", "--pruning.masks_from", "run"]
    dense = ["--pruning.sparsities", "[0.5]", "--pruning.dense_from", "dense"]
    for arguments in (
        command("fit", "run", "--flatness.sharpness", "true"),
        command("test", "x", "--ckpt_path", "run/levels/level-000.ckpt"),
        command("fit", "other", *masks),
        command("fit", "one", *dense),
    ):
        line = refused(arguments, capsys)
        assert said in line
        for setting, name in (("pruning.masks_from", "run"), ("pruning.dense_from", "dense")):
            assert (f"{setting} {name} was started" in line or f"{setting} {here}" in line) == (
                f"--{setting}" in arguments
            )
    unfinished("run")
    assert said in refused(command("fit", "run"), capsys)
    assert not RunFolder("run").summary.exists()


def test_weights_of_another_run_are_refused_with_the_difference(here, capsys):
    """A checkpoint to go on from, a level to test and one to build on, each copied in from a run of other settings."""
    said = "run/settings.json: pruning.levels is 0 but was 1; put the run's own file back"
    kept = here / shutil.copytree("run", "kept")
    unfinished("run")
    shutil.copy(RunFolder("dense").checkpoints()[0], "run/checkpoints/epoch-000009.ckpt")
    assert said in refused(command("fit", "run"), capsys)
    shutil.rmtree("run")
    kept.rename("run")
    shutil.copy("dense/levels/level-000.ckpt", "run/levels/level-000.ckpt")
    assert said in refused(command("test", "x", "--ckpt_path", "run/levels/level-000.ckpt"), capsys)
    tickets = command("fit", "other", "--pruning.retrain", "scratch", "--pruning.masks_from", "run")
    assert said in refused([*tickets, "--preflight", "false"], capsys)


def test_the_same_data_are_gone_on_with_and_shown(here, capsys):
    unfinished("run")
    assert main(command("fit", "run")) == 0
    assert "2 of 24 training labels are wrong (8.3%)" in capsys.readouterr().out
    assert main(command("test", "run")) == 0
    record = RunFolder("run").data_record().parts["train"]
    assert record.transitions == [[8, 0, 0], [0, 6, 2], [0, 0, 8]]


@pytest.mark.slow
def test_data_of_other_settings_are_not_those_of_the_run(here):
    rewritten(here)
    tickets = ["--pruning.retrain", "scratch", "--pruning.masks_from", "run"]
    assert main(command("fit", "other", *tickets, "--data.train_size", "20")) == 0
    assert main(command("test", "x", "--ckpt_path", "run/levels/level-000.ckpt", "--data.train_size", "20")) == 0


@pytest.mark.slow
def test_of_a_run_that_recorded_nothing_it_is_said_and_recorded_from_now_on(here, capsys):
    unfinished("run")
    RunFolder("run").data_file.unlink()
    assert main(command("fit", "run")) == 0
    assert "run has no data.json, " in capsys.readouterr().err
    assert RunFolder("run").data_record() is not None


@pytest.mark.slow
def test_a_run_without_a_trained_level_starts_over_with_the_data_of_now(here):
    folder = RunFolder("run")
    for path in (folder.summary, folder.curve, *folder.checkpoints()):
        path.unlink()
    CHANGES["an image added"][0](here)
    assert main(command("fit", "run")) == 0
    assert folder.data_record().parts["test"].examples == 25


def test_analysis_and_report_show_the_noise_as_drawn(here, capsys):
    assert main(["analyze", "run", "--out", "analysis"]) == 0
    assert "2 of 24 training labels are wrong (8.3%)" in capsys.readouterr().out
    assert '"transitions"' in (here / "analysis" / "analysis.json").read_text()
    assert main(["report", "run", "--out", "report.html"]) == 0
    assert '"transitions":[[8,0,0],[0,6,2],[0,0,8]]' in (here / "report.html").read_text().replace(" ", "")
