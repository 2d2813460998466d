"""What tells runs apart: the same before and after an upgrade that changes no number."""

import json

import lightning.pytorch as pl
import pytest
import torch

from sdd.__main__ import main
from sdd.analysis.grouping import group_runs
from sdd.analysis.reading import read_runs
from sdd.callbacks import (
    ActivationEntropy,
    CalibrationMeasures,
    CurveRecorder,
    FlatnessMeasures,
    IterativePruning,
    JobProgress,
    LearningDistance,
    LevelCallback,
    RunCheckpoint,
)
from sdd.cli.parse import plan
from sdd.data import NoisyLabelData
from sdd.module import Classifier
from sdd.runs.folder import RunFolder
from tests.runs.upgrades import forget_classes, new_default, new_option
from tests.small import QUICK, NormNet, curve_without_seconds


class UserNet(NormNet):
    """A network of somebody else's, with options."""

    def __init__(self, sizes: tuple[int, ...] = (3, 4), dropout: float = 0) -> None:
        super().__init__()


class Warmup(pl.Callback):
    """A callback that may change numbers."""

    def __init__(self, epochs: int = 3, start: float = 0.1) -> None: ...


class Spectrum(LevelCallback):
    """A measure."""

    def __init__(self, probes: int = 3) -> None: ...


class Averaging(pl.Callback):
    """Something that may change what is trained."""

    def __init__(self, rate: float = 0.1) -> None: ...


class Interrupt(LevelCallback):
    """Ends the process at the end of a level, as Ctrl-C does."""

    def __init__(self, level: int = 1) -> None:
        self.level = level

    def shorten(self):
        self.level = None  # the trial before the run is not interrupted

    def on_level_start(self, trainer, pl_module, level):
        if level.level == self.level:
            raise KeyboardInterrupt


WARMUP = ["--trainer.callbacks", "tests.runs.test_identity.Warmup"]
SPECTRUM = ["--trainer.callbacks", "tests.runs.test_identity.Spectrum"]
OWN_NET = ["--model.net", "tests.runs.test_identity.UserNet"]
WITHOUT_NET = [one for one in QUICK if one not in {"--model.net.widths", "[20]"}]
INTERRUPT = ["--trainer.callbacks", "tests.runs.test_identity.Interrupt"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    yield
    torch.set_num_threads(threads)
    monkeypatch.undo()
    forget_classes()


DECIDING = {
    pl.Trainer: "trainer",
    Classifier: "model",
    NoisyLabelData: "data",
    IterativePruning: "pruning",
    torch.optim.SGD: "model.optimizer.init_args",
    torch.optim.lr_scheduler.StepLR: "model.lr_scheduler.init_args",
    UserNet: "model.net.init_args",
    Warmup: "trainer.callbacks.0.init_args",
}
MEASURING = (
    ActivationEntropy,
    CalibrationMeasures,
    FlatnessMeasures,
    LearningDistance,
    CurveRecorder,
    RunCheckpoint,
    JobProgress,
    Spectrum,
)


@pytest.mark.parametrize(("default", "other"), [(True, "false"), (0.5, "0.7")])
def test_new_options_that_change_nothing_change_no_digest(monkeypatch, default, other):
    arguments = [*WITHOUT_NET, *OWN_NET, *WARMUP, "--trainer.callbacks+=tests.runs.test_identity.Spectrum"]
    arguments += ["--model.lr_scheduler", "torch.optim.lr_scheduler.StepLR", "--model.lr_scheduler.step_size", "3"]
    before = plan(arguments)
    for cls in (*DECIDING, *MEASURING):
        new_option(monkeypatch, cls, "newly_added", default)
    after = plan(arguments)
    assert after.settings.chosen == before.settings.chosen
    assert after.run_dir() == before.run_dir()
    assert after.settings.measures == before.settings.measures
    added = {f"{key}.newly_added": default for key in DECIDING.values()}
    assert after.settings.values == before.settings.values | added, "they were there, with their values"
    assert after.settings.digest() != plan([*arguments, "--pruning.newly_added", other]).settings.digest()


@pytest.mark.slow
def test_an_option_that_changes_numbers_changes_the_digest():
    changes = [
        [],
        ["--pruning.fraction", "0.3"],
        ["--seed_everything", "1"],
        ["--threads", "2"],
        ["--trainer.gradient_clip_val", "1"],
        ["--model.optimizer.weight_decay", "0.1"],
        ["--model.optimizer", "AdamW"],
        WARMUP,
    ]
    assert len({plan([*QUICK, *change]).settings.digest() for change in changes}) == len(changes)


def test_what_only_watches_measures_stores_or_places_changes_no_digest():
    options = {
        "run_dir": "x",
        "wait": "true",
        "trainer.devices": "1",
        "trainer.logger": "false",
        "trainer.log_every_n_steps": "3",
        "trainer.callbacks": "tests.runs.test_identity.Spectrum",
        "data.eval_batch_size": "7",
        "data.root": "elsewhere",
        "pruning.dense_from": "x",
        "flatness.sharpness": "true",
        "distance.path": "true",
        "curve.redraw_seconds": "1",
        "checkpoint.keep_levels": "[0]",
        "checkpoint.level_precision": "half",
        "progress.show": "bar",
        "progress.heartbeat": "x",
        "requeue": "interrupt",
        "model.optimizer.nesterov": "false",  # the default, said aloud
    }
    settings, base = plan([*QUICK, *(f"--{name}={value}" for name, value in options.items())]).settings, plan(QUICK)
    assert settings.digest() == base.settings.digest()
    assert settings.values == base.settings.values
    assert settings.measures.keys() == {
        "flatness.sharpness",
        "distance.path",
        "trainer.callbacks.0.class_path",
    }
    assert plan([*QUICK, "--trainer.callbacks", "[]"]).settings == base.settings
    assert plan([*QUICK, "--trainer.callbacks", "LearningRateMonitor"]).settings == base.settings
    averaged = ["--trainer.callbacks", "tests.runs.test_identity.Averaging"]
    assert plan([*QUICK, *averaged]).settings.digest() != base.settings.digest()


def test_options_of_callbacks_count_where_they_differ_from_their_defaults():
    net = [*WITHOUT_NET, *OWN_NET]
    same = [*net, *WARMUP, "--trainer.callbacks.epochs", "3", "--model.net.sizes", "[3, 4]", "--model.net.dropout=0.0"]
    assert plan(same).settings.digest() == plan([*net, *WARMUP]).settings.digest()
    other = plan([*net, *WARMUP, "--trainer.callbacks.epochs", "4"]).settings
    assert other.chosen["trainer.callbacks.0.init_args.epochs"] == 4
    # What measures has no place in the order.
    between = plan([*net, *SPECTRUM, "--trainer.callbacks+=tests.runs.test_identity.Warmup"]).settings
    assert between.digest() == plan([*net, *WARMUP]).settings.digest()


def test_the_root_says_which_folder_of_images_it_is():
    images = [*QUICK, "--data.dataset", "image_folder"]
    assert (
        plan([*images, "--data.root", "a"]).settings.digest() != plan([*images, "--data.root", "b"]).settings.digest()
    )


@pytest.mark.slow
def test_a_run_goes_on_after_an_upgrade_and_its_seeds_stay_one_group(monkeypatch, tmp_path, capsys):
    assert main([*QUICK, "--run_dir", "whole"]) == 0
    assert main([*QUICK, *INTERRUPT]) == 130
    (folder,) = (tmp_path / "runs").iterdir()
    new_option(monkeypatch, pl.Trainer, "suggest_integrations", True)
    new_option(monkeypatch, IterativePruning, "newly_added", 0.5)
    new_option(monkeypatch, torch.optim.SGD, "newly_added", False)
    new_default(monkeypatch, pl.Trainer, "log_every_n_steps", 7)
    capsys.readouterr()
    assert main(QUICK) == 0
    assert "going on from" in capsys.readouterr().err
    assert list((tmp_path / "runs").iterdir()) == [folder]
    assert RunFolder(folder).finished
    assert curve_without_seconds(folder) == curve_without_seconds(tmp_path / "whole")
    assert main([*QUICK, "--seed_everything", "1", "--flatness.sharpness", "true", "--flatness.examples", "20"]) == 0
    (group,) = group_runs(read_runs([tmp_path / "runs", tmp_path / "whole"]).runs)
    assert [run.seed for run in group.runs] == [0, 1]
    assert (group.differing, len(group.repeated)) == ({}, 1)


@pytest.mark.slow
def test_a_default_that_has_moved_is_named_and_the_run_keeps_its_own(monkeypatch, tmp_path, capsys):
    assert main([*QUICK, "--run_dir", "whole"]) == 0
    assert main([*QUICK, *INTERRUPT, "--run_dir", "stopped"]) == 130
    started = json.loads((tmp_path / "stopped" / "settings.json").read_text())
    new_default(monkeypatch, torch.optim.SGD, "weight_decay", 0.05)
    new_default(monkeypatch, Classifier, "distance_penalty", 0.1)
    capsys.readouterr()
    assert main([*QUICK, "--run_dir", "stopped"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert "stopped goes on with model.distance_penalty 0.0; the default is 0.1 now" in said
    assert "stopped goes on with model.optimizer.init_args.weight_decay 0.0; the default is 0.05 now" in said
    assert curve_without_seconds(tmp_path / "stopped") == curve_without_seconds(tmp_path / "whole")
    now = json.loads((tmp_path / "stopped" / "settings.json").read_text())
    assert (now["chosen"], now["values"]) == (started["chosen"], started["values"])
    # A run that starts now has the new defaults: it is no further seed of the same experiment.
    assert main([*QUICK, "--run_dir", "later", "--seed_everything", "1"]) == 0
    first, second = group_runs(read_runs([tmp_path / "stopped", tmp_path / "later"]).runs)
    assert first.differing == {"model.distance_penalty": 0.0, "model.optimizer.init_args.weight_decay": 0.0}
    assert second.differing == {"model.distance_penalty": 0.1, "model.optimizer.init_args.weight_decay": 0.05}


@pytest.mark.slow
def test_a_dense_network_of_other_defaults_is_not_taken_over(monkeypatch, tmp_path, capsys):
    shared = ["--pruning.sparsities", "[0.5]", "--pruning.dense_from", "dense"]
    dense = [*QUICK, "--pruning.levels", "0", "--pruning.fraction", "0.2", "--run_dir", "dense"]
    assert main(dense) == 0
    new_default(monkeypatch, torch.optim.SGD, "weight_decay", 0.05)
    assert main([*QUICK, *shared, "--run_dir", "run"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "dense was trained with model.optimizer.init_args.weight_decay 0.0" in line
    assert "which is 0.05 now" in line


@pytest.mark.slow
def test_a_dense_network_that_was_measured_otherwise_is_not_taken_over(tmp_path, capsys):
    assert main([*QUICK, "--pruning.levels", "0", "--pruning.fraction", "0.2", "--run_dir", "dense"]) == 0
    shared = [*QUICK, "--pruning.sparsities", "[0.5]", "--flatness.sharpness", "true", "--run_dir", "run"]
    assert main([*shared, "--pruning.dense_from", "dense"]) == 2
    assert "has measured otherwise: flatness.sharpness is true" in capsys.readouterr().err
