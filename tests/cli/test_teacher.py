"""A run that learns from a level of another one: that level, the same data, and nothing at weight 0."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from jsonargparse import Namespace

from sdd.__main__ import main
from sdd.analysis.phases import Phases
from sdd.cli.same_data import checked_record
from sdd.cli.teacher import teacher_of
from sdd.errors import UserError
from sdd.models import MLP
from sdd.runs.folder import RunFolder
from tests.small import QUICK, curve_without_seconds, level_state

SHORT = [*QUICK, "--pruning.levels", "1", "--pruning.epochs_per_level", "1", "--data.train_size", "100"]
TAUGHT = ["--model.distill_from", "teacher-{seed}", "--model.distill_weight", "0.5", "--model.distill_level", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A teacher, a wider network that learns from it, and one that does so with weight 0."""
    folder = tmp_path_factory.mktemp("distillation")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*SHORT, "--preflight", "false", "--run_dir", "teacher-0"]) == 0
        assert main([*SHORT, *TAUGHT, "--model.net.widths", "[24]", "--run_dir", "taught"]) == 0
        assert (
            main([*SHORT, *TAUGHT, "--model.distill_weight", "0", "--preflight", "false", "--run_dir", "untaught"]) == 0
        )
    return folder


@pytest.fixture(autouse=True)
def _there(folder, monkeypatch):
    monkeypatch.chdir(folder)


def settings(**changed):
    return Namespace(distill_from="teacher-{seed}", distill_level=1, distill_weight=0.5, **changed)


def test_weight_0_changes_no_bit(folder):
    assert curve_without_seconds(folder / "untaught") == curve_without_seconds(folder / "teacher-0")


def test_a_finished_run_needs_its_teacher_no_more(folder, capsys):
    (folder / "teacher-0").rename(folder / "away")
    try:
        assert main([*SHORT, *TAUGHT, "--model.net.widths", "[24]", "--run_dir", "taught"]) == 0
        assert "taught is finished" in capsys.readouterr().out
        assert main(["test", *SHORT[1:], *TAUGHT, "--model.net.widths", "[24]", "--run_dir", "taught"]) == 0
    finally:
        (folder / "away").rename(folder / "teacher-0")


def test_the_teacher_is_the_level_with_the_network_of_its_own_run(folder):
    net = teacher_of(settings(), 0).network()
    assert isinstance(net, MLP)
    assert not net.training
    stored, _ = level_state(folder / "teacher-0", 1)
    assert net.state_dict().keys() == stored.keys()
    assert all(torch.equal(value, stored[name]) for name, value in net.state_dict().items())
    taught = torch.load(folder / "taught" / "levels" / "level-001.ckpt", weights_only=True)["state_dict"]
    assert sum("fc.weight" in name for name in taught) == 1, "no checkpoint holds the teacher"
    assert len(curve_without_seconds(folder / "taught")) == 3


def test_the_peak_is_the_level_of_the_phases(folder, monkeypatch):
    asked = settings()
    asked.distill_level = "peak"
    with pytest.raises(UserError, match=r"peak, but model\.distill_from teacher-0 has none: .*; set the number"):
        teacher_of(asked, 0)
    found = Phases(True, "", 0, 0, trough=0, peak=1, depth=0, gain=0, recovery=0, boundaries=None, names=())
    monkeypatch.setattr("sdd.cli.teacher.phases_of", lambda rows: found)
    assert teacher_of(asked, 0).level == 1


@pytest.mark.slow
def test_auto_is_the_run_without_a_teacher_and_with_weight_0_that_run_itself(folder):
    other = ["--pruning.epochs_per_level", "2", "--model.distill_from", "auto", "--model.distill_temperature", "2"]
    plans = {weight: RunFolder(f"auto-{weight}") for weight in ("0", "1")}
    for weight, run in plans.items():
        assert main([*SHORT, *other, "--model.distill_weight", weight, "--run_dir", str(run.path)]) == 0
    plain, taught = (run.settings().chosen for run in plans.values())
    assert not any("distill" in name for name in plain)
    assert taught["model.distill_from"] == "auto"
    assert curve_without_seconds(folder / "auto-0") != curve_without_seconds(folder / "auto-1")
    (dense,) = folder.glob("*-dense-s0-*")
    before = curve_without_seconds(folder / "auto-0")[1]
    assert curve_without_seconds(dense) == [curve_without_seconds(folder / "auto-0")[0], before]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--model.distill_level", "2"], "distill_level is 2, but model.distill_from teacher-0 has levels 0 to 1"),
        (["--model.distill_from", "nothing"], "model.distill_from nothing is no run: it must be the folder of a fin"),
        (["--data.subset_seed", "1"], "teacher-0 was trained on other data: other training images or another order"),
        (["--data.image_size", "7", "--model.net.in_features", "49"], "does not take images of shape"),
        (["--data.noise_rate", "0.7", "--trainer.fast_dev_run", "true"], None),
        (["--model.distill_from", "auto", "--trainer.fast_dev_run", "true"], None),
        (["--pruning.masks_from", "auto", "--pruning.retrain", "scratch", "--trainer.fast_dev_run", "true"], None),
    ],
)
def test_a_teacher_must_be_there_and_know_the_images(arguments, word, capsys):
    status = main([*SHORT, *TAUGHT, "--preflight", "false", "--run_dir", "refused", *arguments])
    error = capsys.readouterr().err
    assert (status == 0) == (word is None), error
    assert word is None or (word in error and error.count("\n") == 1)


def checked(record, **values):
    """Ask whether the teacher knows data of this record and these settings."""
    pruning, model = SimpleNamespace(source=None), SimpleNamespace(settings=SimpleNamespace(values=values))
    experiment = SimpleNamespace(data=None, pruning=pruning)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sdd.cli.same_data.record_of", lambda data: record)
        return checked_record(SimpleNamespace(plan=model), experiment, None, teacher_of(settings(), 0))


def test_a_teacher_knows_the_same_images_classes_and_size_whatever_the_noise(folder):
    record = RunFolder("teacher-0").data_record()
    train = record.parts["train"]
    noisy = replace(
        record, parts={"train": replace(train, labels="other", transitions=np.diag(train.per_class).tolist())}
    )
    assert checked(noisy) is noisy
    for changed, words in (
        (replace(train, images="other"), "other training images or another order of them"),
        (replace(train, true_labels="other"), "other true labels"),
        (replace(train, transitions=train.transitions[:9]), "10 classes, now 9"),
    ):
        with pytest.raises(UserError, match=f"teacher-0 was trained on other data: {words}"):
            checked(replace(record, parts={"train": changed}))
    with pytest.raises(UserError, match=r"data\.image_size null, here 7"):
        checked(record, **{"data.image_size": 7})
    with pytest.raises(UserError, match="mean and standard deviation"):
        checked(replace(record, mean=[0.0]))


def test_a_network_that_no_longer_fits_is_one_line(folder):
    file = folder / "teacher-0" / "config.yaml"
    held = file.read_text()
    sums = file.with_name("checksums.json")
    checksums = sums.read_text()
    content = yaml.safe_load(held)
    content["model"]["net"]["init_args"]["widths"] = [3]
    file.write_text(yaml.safe_dump(content))
    try:
        with pytest.raises(UserError, match=r"config\.yaml is damaged: .* by checksums\.json"):
            teacher_of(settings(), 0).network()
        (file.parent / "checksums.json").unlink()
        with pytest.raises(UserError, match=r"the weights of level 1 do not fit the network of its config\.yaml"):
            teacher_of(settings(), 0).network()
    finally:
        file.write_text(held)
        sums.write_text(checksums)
