"""What notebooks call does what the commands do, and leaves the process as it was."""

import json
import os
import shutil
import sys

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
import yaml
from torch import nn

import sdd
from sdd.callbacks import IterativePruning
from sdd.cli.parse import parse
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from sdd.library.fit import _flat, _text
from sdd.models import MLP
from sdd.module import Classifier
from sdd.runs.level_file import read_level
from tests.small import CONFIG, curve_without_seconds

QUICK = {"data.train_size": 200, "data.batch_size": 50, "model.net.widths": [20]}


def fit(folder, **sections):
    pruning = {"levels": 1, "fraction": 0.5, "epochs_per_level": 2} | sections.pop("pruning", {})
    quick = {name: value for name, value in QUICK.items() if name != "model.net.widths" or "model" not in sections}
    return sdd.fit(CONFIG, quick, pruning=pruning, progress={"show": "none"}, run_dir=folder, **sections)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run, fitted by `sdd.fit`."""
    torch.manual_seed(7)
    before = torch.get_rng_state(), torch.get_num_threads()
    fitted = fit(tmp_path_factory.mktemp("library") / "run")
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == torch.get_num_threads()
    return fitted


def test_a_second_fit_trains_nothing_and_gives_the_same_curve(run, capsys):
    held = (run.path / "curve.csv").read_bytes()
    again = fit(run.path)
    assert capsys.readouterr().out.startswith(f"{run.path} is finished")
    assert (run.path / "curve.csv").read_bytes() == held
    assert again == run
    assert os.fspath(run) == str(run.path)
    assert [f"{value}" for value in run.curve["test_acc"]] == [
        cells[10] for cells in curve_without_seconds(run.path)[1:]
    ]
    assert len(sdd.load_runs(run)) == 2


def test_errors_are_raised_and_not_printed(run, capsys):
    with pytest.raises(UserError, match=r"pruning.level is not a setting"):
        sdd.fit(CONFIG, {"pruning.level": 3})
    with pytest.raises(UserError, match="different settings: seed_everything is 1 but was 0"):
        fit(run.path, seed_everything=1)
    with pytest.raises(UserError, match=r"model.loss is <lambda> of test_library\.py, line \d+, which no import path"):
        sdd.fit(CONFIG, model={"loss": lambda outputs, labels: outputs.sum()})
    assert capsys.readouterr().out == ""


def test_settings_become_words_of_the_command_line():
    net = {"class_path": "sdd.models.MLP", "init_args": {"widths": [4]}}
    flat = _flat({"model": {"net": net, "loss": None}, "data.noise_type_args": {"a": 1}, "threads": 1})
    assert flat == {"model.net": net, "model.loss": None, "data.noise_type_args": {"a": 1}, "threads": 1}
    assert [_text("x", value) for value in ("a b", None, True, [1, 2.5], MLP)] == [
        "a b",
        "null",
        "true",
        "[1, 2.5]",
        "sdd.models.MLP",
    ]


def test_a_level_is_a_plain_network_with_its_masks_applied(run):
    net, held = sdd.load_level(run, 1), read_level(run.path / "levels" / "level-001.ckpt")
    assert type(net) is MLP
    assert not net.training
    assert net.state_dict().keys() == held.weights.keys()
    assert all(torch.equal(value, held.weights[name]) for name, value in net.state_dict().items())
    removed = [net.state_dict()[name][~mask] for name, mask in held.masks.items()]
    assert sum(map(len, removed)) == 64 * 20 / 2
    assert not any(values.any() for values in removed)
    with pytest.raises(UserError, match="has not kept level 2: it has its levels 0, 1"):
        sdd.load_level(run, 2)
    with pytest.raises(UserError, match="is not there: give the folder of a run"):
        sdd.load_level(run.path / "other", 0)


def test_a_level_measured_anew_has_its_row_of_the_curve(run):
    measured, row = sdd.evaluate(run, 1), run.curve.iloc[1]
    assert {"test_acc", "train_loss", "memorized"} <= measured.keys()
    assert measured == {name: row[name] for name in measured}


def test_a_level_is_measured_anew_whatever_cannot_be_said_of_its_training(run, tmp_path):
    place = tmp_path / "run"
    shutil.copytree(run.path, place)
    config = yaml.safe_load((run.path / "config.yaml").read_text())
    config["model"] |= {"optimizer": "<lambda>", "lr_scheduler": "LambdaLR"}
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    (place / "checksums.json").unlink()
    assert sdd.evaluate(place, 1) == sdd.evaluate(run, 1)
    config["model"]["net"] = "Net"
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    (place / "checksums.json").unlink(missing_ok=True)
    with pytest.raises(UserError, match=r"config.yaml cannot say how its network is built \(Net\)"):
        sdd.evaluate(place, 1)


def test_what_a_notebook_defines_is_told_by_what_it_does(monkeypatch):
    def settings(width):
        made = type("Net", (nn.Module,), {"__init__": lambda self: width, "__module__": "__main__"})
        monkeypatch.setattr(sys.modules["__main__"], "Net", made, raising=False)
        return parse(["fit", "--config", str(CONFIG), f"--model.net={_text('model.net', made)}"]).plan.settings

    assert settings(8).digest() == settings(8).digest() != settings(9).digest()
    assert settings(8).chosen["model.net.class_path"] == "__main__.Net"


class Net(nn.Module):
    """Small, and of this module until a test gives it to a notebook."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 10)

    def forward(self, images):
        return self.fc(images.flatten(1))


def test_levels_are_not_measured_in_what_a_changed_cell_defines(tmp_path, monkeypatch):
    notebook = sys.modules["__main__"]
    monkeypatch.setattr(Net, "__module__", "__main__")
    monkeypatch.setattr(notebook, "Net", Net, raising=False)
    run = fit(tmp_path / "run", pruning={"levels": 1, "epochs_per_level": 1, "exclude": []}, model={"net": Net})
    assert type(sdd.load_level(run, 1)) is Net
    changed = type(
        "Net", (Net,), {"__module__": "__main__", "forward": lambda self, images: -self.fc(images.flatten(1))}
    )
    monkeypatch.setattr(notebook, "Net", changed)
    for measures in (sdd.load_level, sdd.evaluate):
        with pytest.raises(UserError, match=r"__main__.Net, the model.net of .*run, does something else than it did"):
            measures(run, 1)


def test_onnx_is_exported_or_what_it_lacks_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setattr("sdd.library.levels.find_spec", lambda name: None)
    with pytest.raises(UserError, match="export_onnx needs onnx and onnxscript: pip install onnx onnxscript"):
        sdd.export_onnx(run, 1, tmp_path / "level.onnx", (1, 8, 8))


def test_a_module_is_loaded_from_a_level_alone_and_predicts_by_lightning(run):
    level = run.path / "levels" / "level-001.ckpt"
    module = Classifier.load_from_checkpoint(level)
    assert isinstance(module.net, MLP)
    assert module.optimizer(module.net.parameters()).defaults["momentum"] == 0.9
    masks = read_level(level).masks
    assert all(torch.equal(mask, masks[name]) for name, mask in module.masks.items())
    data = NoisyLabelData(train_size=200, batch_size=50)
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
    logits = torch.cat(trainer.predict(module, data))
    hits = (logits.argmax(1) == data.split("test").true_labels).double().mean()
    assert float(hits) == pytest.approx(run.curve["test_acc"][1], abs=1e-12)
    with pytest.raises(UserError, match="checkpoint is of another network"):
        Classifier.load_from_checkpoint(level, net=MLP(64, [21]))


def test_a_driver_among_the_callbacks_changes_no_prediction(run):
    module = Classifier.load_from_checkpoint(run.path / "levels" / "level-001.ckpt")
    images = torch.zeros(2, 1, 8, 8)
    before = module(images)
    driver = IterativePruning(levels=1, epochs_per_level=1, exclude=["fc.weight"])
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False, callbacks=[driver]
    )
    trainer.predict(module, NoisyLabelData(train_size=200, batch_size=50))
    assert torch.equal(module(images), before)


def test_names_are_looked_up_and_others_are_none():
    assert {name for name in sdd.__all__ if getattr(sdd, name) is None} == set()
    with pytest.raises(AttributeError, match="has no attribute 'fitt'"):
        sdd.fitt  # noqa: B018


def test_numbers_of_numpy_are_numbers(tmp_path):
    told = {"seed_everything": np.int64(3), "data.noise_rate": np.float64(0.25), "pruning.sparsities": np.array([0.5])}
    told["model.net.widths"] = list(np.array([20, 10]))
    small = {"data.train_size": 100, "pruning.epochs_per_level": 1, "progress.show": "none", "preflight": False}
    run = sdd.fit("digits_mlp", {**told, **small, "run_dir": tmp_path / "run"})
    settings = json.loads((run.path / "settings.json").read_text())["values"]
    assert settings["model.net.init_args.widths"] == told.pop("model.net.widths") == [20, 10]
    assert {name: settings[name] for name in told} == {**told, "pruning.sparsities": [0.5]}
