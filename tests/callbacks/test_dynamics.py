"""Training dynamics against a recount from the weights that each epoch left."""

import copy
import csv
import json

import lightning.pytorch as pl
import numpy as np
import pytest
import torch

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.callbacks import FlatnessMeasures, LearningDistance, RunCheckpoint, TrainingDynamics
from sdd.callbacks.dynamics import chosen_examples
from sdd.errors import UserError
from sdd.runs.folder import RunFolder
from tests.small import QUICK, curve_without_seconds, small_data, small_run

EPOCHS = 5


class Watcher(pl.Callback):
    """Keeps, as a user's callback would see them at each epoch's end, the network and the metrics."""

    def __init__(self):
        self.networks, self.metrics = [], []

    def on_train_epoch_end(self, trainer, pl_module):
        self.networks.append(copy.deepcopy(pl_module.net).double())
        self.metrics.append({name: float(value) for name, value in trainer.callback_metrics.items()})


def read(folder):
    with RunFolder(folder).epochs.open() as file:
        return [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder, watcher = tmp_path_factory.mktemp("measured"), Watcher()
    dynamics = TrainingDynamics(levels=[0, 2], every=3, distances=True)
    small_run(folder, watcher, dynamics, levels=2, epochs_per_level=EPOCHS)
    return folder, watcher


def recount(net, split):
    """Loss and accuracies of one part in float64, an example at a time."""
    losses, classes = [], []
    for image, label in zip(split.images, split.labels, strict=True):
        with torch.no_grad():
            logits = net((image[None].double() / 255 - MEAN) / SD)[0]
        losses.append(float(torch.logsumexp(logits, 0) - logits[label]))
        classes.append(int(logits.argmax()))
    return np.mean(losses), np.array(classes)


DATA = small_data()
MEAN, SD = (np.array(value).item() for value in (DATA.content.mean, DATA.content.std))


def test_each_measured_epoch_is_that_of_the_weights_it_left(measured):
    folder, watcher = measured
    rows = read(folder)
    assert [(row["level"], row["epoch"]) for row in rows] == [(0, 0), (0, 3), (0, 4), (2, 0), (2, 3), (2, 4)]
    train, test = DATA.split("train"), DATA.split("test")
    for row in rows:
        net = watcher.networks[int(row["level"]) * EPOCHS + int(row["epoch"])]
        loss, classes = recount(net, train)
        assert row["train_loss"] == pytest.approx(loss, rel=1e-5)
        assert row["train_acc"] == (classes == train.labels.numpy()).mean()
        flipped = train.flipped.numpy()
        assert row["memorized"] == (classes == train.labels.numpy())[flipped].mean()
        assert row["recovered"] == (classes == train.true_labels.numpy())[flipped].mean()
        loss, classes = recount(net, test)
        assert row["test_loss"] == pytest.approx(loss, rel=1e-5)
        assert row["test_acc"] == (classes == test.labels.numpy()).mean()


def test_the_last_epoch_is_the_level_and_the_best_is_the_highest(measured):
    folder, _ = measured
    rows, levels = read(folder), read_curve(folder / "curve.csv")
    for level in (0, 2):
        epochs = [row for row in rows if row["level"] == level]
        shared = epochs[-1].keys() & levels[level].keys()
        assert {"train_loss", "test_acc", "recovered", "distance"} <= shared
        assert {name: epochs[-1][name] for name in shared} == {name: levels[level][name] for name in shared}
        accuracies = [row["test_acc"] for row in epochs]
        assert levels[level]["best_test_acc"] == max(accuracies)
        assert levels[level]["best_epoch"] == epochs[accuracies.index(max(accuracies))]["epoch"]
    assert "best_test_acc" not in levels[1]


def test_measuring_changes_no_other_number(measured, tmp_path):
    folder, _ = measured
    small_run(tmp_path, levels=2, epochs_per_level=EPOCHS)
    plain = curve_without_seconds(tmp_path)
    assert [row[: len(plain[0])] for row in curve_without_seconds(folder)] == plain


def test_other_callbacks_read_the_metrics_of_the_same_epoch(measured):
    folder, watcher = measured
    for row in read(folder):
        seen = watcher.metrics[int(row["level"]) * EPOCHS + int(row["epoch"])]
        if row["epoch"] < 4:  # the last epoch is measured at the level's end, since it is left out otherwise
            assert {f"epochs/{name}": np.float32(value) for name, value in row.items()} == {
                name: np.float32(value) for name, value in seen.items() if name.startswith("epochs/")
            }


def test_a_subset_is_the_same_at_every_epoch_and_seed_and_is_said(tmp_path):
    watcher, dynamics = Watcher(), TrainingDynamics(levels="all", examples=30)
    small_run(tmp_path, watcher, dynamics, levels=1, epochs_per_level=1, seed=5)
    data = small_data(seed=7)
    places = chosen_examples(data, 30)
    assert {name: len(set(chosen.tolist())) for name, chosen in places.items()} == {"train": 30, "test": 30}
    for row, net in zip(read(tmp_path), watcher.networks, strict=True):
        for name in ("train", "test"):
            part = data.split(name).take(places[name])
            _, classes = recount(net, part)
            assert row[f"{name}_acc"] == (classes == part.labels.numpy()).mean()
    columns = json.loads((tmp_path / "columns.json").read_text())["columns"]
    settings = {column["name"]: column["settings"] for column in columns}
    assert settings["best_test_acc"] == {"every": 1, "examples": 30}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"levels": "every"}, "must be all, or a list"),
        ({"levels": "all", "every": 0}, "dynamics.every is 0"),
        ({"levels": "all", "examples": 0}, "dynamics.examples is 0"),
        ({"every": 2}, "dynamics.levels is not set"),
        ({"distances": True}, "dynamics.levels is not set"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, words):
    with pytest.raises(UserError, match=words):
        TrainingDynamics(**arguments)


def test_a_level_that_the_run_has_not_is_refused_before_any_training(tmp_path):
    for callback in (TrainingDynamics(levels=[1, 9]), FlatnessMeasures(sharpness=True, levels=[9])):
        with pytest.raises(UserError, match=r"levels names level 9; the run has levels 0 \(dense\) to 3"):
            small_run(tmp_path, callback)
    with pytest.raises(UserError, match=r"dynamics\.levels names level -1"):
        small_run(tmp_path, TrainingDynamics(levels=[-1]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("callback", [FlatnessMeasures, TrainingDynamics])
def test_a_dense_network_alone_is_asked_for_no_other_level(callback):
    """It is what `dense_from` trains, with the settings of all levels."""
    callback(levels=[0, 4]).check_levels(0)
    callback(levels=[0, 4]).check_levels(4)
    with pytest.raises(UserError, match="names level 4"):
        callback(levels=[0, 4]).check_levels(3)


@pytest.mark.parametrize("setting", ["dynamics.levels", "flatness.levels"])
def test_so_it_is_on_the_command_line_before_anything_is_written(tmp_path, monkeypatch, capsys, setting):
    monkeypatch.chdir(tmp_path)
    assert main([*QUICK, f"--{setting}", "[2, 4]", "--run_dir", "run"]) == 2
    assert f"{setting} names level 4; the run has levels 0 (dense) to 3" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_word_that_is_not_all_is_refused_with_what_is_allowed(capsys):
    assert main([*QUICK, "--dynamics.levels", "some"]) == 2
    assert "dynamics.levels is 'some'; it must be all, or a list of levels" in capsys.readouterr().err


def begun(callback, rows):
    """A callback of a run that was left in level 1, after epochs 1 and 2 of it: it rewinds past epoch 0."""
    callback.load_state_dict({"table": rows})
    callback.check_begun(1, range(1, 3))


@pytest.mark.parametrize(
    ("callback", "epochs"),
    [(TrainingDynamics("all"), [1, 2]), (TrainingDynamics([1], every=2), [2]), (LearningDistance(path=True), [1, 2])],
)
def test_a_level_that_was_begun_without_what_is_measured_in_its_epochs_is_refused(callback, epochs):
    """Or else its best epoch would be that of the later ones only, and its path would lack the first."""
    distances = dict.fromkeys(("distance", "distance_init", "distance_start"), 0.5)
    of = distances if isinstance(callback, LearningDistance) else {"test_acc": 0.5}
    dense, rows = {"level": 0, "epoch": 0, **of}, [{"level": 1, "epoch": epoch, **of} for epoch in epochs]
    begun(callback, [dense, *rows])
    with pytest.raises(UserError, match=rf"level 1 was begun without it, in epoch {epochs[0]}: leave it as it was"):
        begun(callback, [dense, *rows[1:]])
    begun(TrainingDynamics([0]), [])
    begun(LearningDistance(), [])


@pytest.mark.parametrize("now", [True, False])
def test_epochs_with_and_without_distances_do_not_mix_in_one_table(now):
    row = {"level": 0, "epoch": 0, "test_acc": 0.5} | ({} if now else {"distance": 1.0})
    callback = TrainingDynamics("all", distances=now)
    for ask in (lambda: callback.lacks({"level": 0, "best_test_acc": 0.5}), lambda: callback.check_begun(0, range(1))):
        callback.load_state_dict({"table": [row]})
        with pytest.raises(UserError, match=f"distances is {now}, but the epochs so far were measured with {not now}"):
            ask()


class Stop(pl.Callback):
    """Ends a run after its first epoch."""

    decides_numbers = False  # of the epochs that there are

    def on_train_epoch_end(self, trainer, pl_module):
        trainer.should_stop = True


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([], TrainingDynamics("all"), "level 0 was begun without it, in epoch 0"),
        ([TrainingDynamics("all")], TrainingDynamics("all", examples=20), "measured with examples 20, but"),
    ],
)
def test_so_it_is_where_a_run_is_gone_on_with_in_mid_level(tmp_path, before, after, words):
    small_run(tmp_path, Stop(), *before, levels=1)
    with pytest.raises(UserError, match=words):
        small_run(tmp_path, after, levels=1, ckpt_path=RunFolder(tmp_path).newest_checkpoint()[0])


@pytest.mark.slow
def test_a_run_that_is_stopped_in_mid_level_keeps_its_epochs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = [*QUICK, "--threads", "1", "--dynamics.levels", "all", "--checkpoint.every_n_epochs", "1"]
    assert main([*arguments, "--run_dir", "whole"]) == 0

    def interrupt(self, trainer, *_):
        if trainer.current_epoch == 7:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunCheckpoint, "on_train_batch_end", interrupt)
        assert main([*arguments, "--run_dir", "stopped"]) == 130
    assert main([*arguments, "--run_dir", "stopped"]) == 0
    assert (tmp_path / "stopped" / "epochs.csv").read_bytes() == (tmp_path / "whole" / "epochs.csv").read_bytes()
    assert curve_without_seconds(tmp_path / "stopped") == curve_without_seconds(tmp_path / "whole")


@pytest.mark.slow
def test_a_run_that_was_trained_without_is_refused_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*QUICK, "--run_dir", "run"]) == 0
    capsys.readouterr()
    assert main([*QUICK, "--run_dir", "run", "--dynamics.levels", "[0]"]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("sdd: error: TrainingDynamics measures a level only while it is trained")
