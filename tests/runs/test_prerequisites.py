"""Runs that build on others: the source is trained first, once, and changes no number."""

import json
import os
import signal
import subprocess
import sys
import time
from inspect import signature
from pathlib import Path

import pytest

from sdd.__main__ import main
from sdd.cli.parse import plan
from sdd.errors import UserError
from sdd.module import Classifier
from sdd.runs.folder import RunFolder
from sdd.runs.prerequisites import UNTAUGHT, dense_config, teacher_config, tickets_config
from tests.small import PROJECT, QUICK, curve_without_seconds, level_state, run_process

FLATNESS = ["--flatness.loss_curves", "true", "--flatness.examples", "20", "--flatness.directions", "1"]
FROM_DENSE = ["--pruning.dense_from", "auto"]


def _fit(folder: Path, *arguments: str) -> int:
    return main([*QUICK, *arguments, "--run_dir", str(folder)])


def _runs(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("rewind", ["0", "5"])
def test_a_run_from_a_shared_dense_network_is_the_run_that_trains_its_own(tmp_path, rewind):
    one_shot = ["--pruning.sparsities", "[0.7]", "--pruning.rewind_steps", rewind, *FLATNESS, "--distance.path", "true"]
    assert _fit(tmp_path / "shared" / "a", *one_shot, *FROM_DENSE) == 0
    assert _fit(tmp_path / "alone", *one_shot) == 0
    for name in ("curve.csv", "loss_curves.csv", "distance_path.csv"):
        shared, alone = tmp_path / "shared" / "a", tmp_path / "alone"
        if name == "curve.csv":
            assert curve_without_seconds(shared) == curve_without_seconds(alone)
        else:
            assert (shared / name).read_bytes() == (alone / name).read_bytes()
    for level in (0, 1):
        (net, masks), (own_net, own_masks) = level_state(shared, level), level_state(alone, level)
        assert all(net[name].equal(own_net[name]) for name in own_net)
        assert all(masks[name].equal(own_masks[name]) for name in own_masks)
    assert _fit(tmp_path / "shared" / "a", *one_shot, *FROM_DENSE, "--calibration.ece", "true") == 0


@pytest.mark.slow
def test_the_dense_network_is_trained_once_for_all_that_prune_it(tmp_path):
    for name, pruning in {
        "a": ["--pruning.sparsities", "[0.5]"],
        "b": ["--pruning.sparsities", "[0.9]", "--pruning.criterion", "random", "--pruning.retrain", "finetune"],
        "c": ["--pruning.levels", "2"],
    }.items():
        assert _fit(tmp_path / name, *pruning, *FROM_DENSE) == 0
    (dense,) = set(_runs(tmp_path)) - {"a", "b", "c"}
    assert dense.startswith("digits_mlp-dense-s0-")
    dense_row = curve_without_seconds(tmp_path / dense)[1:]
    assert len(dense_row) == 1
    for name, levels in {"a": 2, "b": 2, "c": 3}.items():
        rows = curve_without_seconds(tmp_path / name)[1:]
        assert (len(rows), rows[0]) == (levels, dense_row[0])
    assert _fit(tmp_path / "d", "--pruning.sparsities", "[0.5]", *FROM_DENSE, "--seed_everything", "1") == 0
    assert len([name for name in _runs(tmp_path) if "-dense-" in name]) == 2


@pytest.mark.slow
def test_runs_that_start_together_train_it_once(tmp_path):
    command = [sys.executable, "-m", "sdd", *QUICK, *FROM_DENSE]
    started = [
        subprocess.Popen(
            [*command, "--pruning.sparsities", f"[{share}]", "--run_dir", f"{share}"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for share in ("0.4", "0.8")
    ]
    said = [process.communicate(timeout=200)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    first_rows = [curve_without_seconds(tmp_path / share)[1] for share in ("0.4", "0.8")]
    assert first_rows[0] == first_rows[1]
    (dense,) = set(_runs(tmp_path)) - {"0.4", "0.8"}
    trained = sum(text.count("    0    0.000%") for text in said)
    assert trained == 1 + 2, "the dense row is printed once by its one training, and once by each run"
    assert RunFolder(tmp_path / dense).finished


@pytest.mark.slow
def test_a_named_dense_run_with_the_seed_in_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one_shot = ["--pruning.sparsities", "[0.7]", "--pruning.dense_from", "dense-{seed}", "--seed_everything", "4"]
    assert _fit(tmp_path / "run", *one_shot) == 0
    assert RunFolder(tmp_path / "dense-4").finished


def test_a_folder_that_holds_another_run_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert _fit(tmp_path / "dense", "--pruning.levels", "0", "--data.noise_rate", "0.1") == 0
    assert _fit(tmp_path / "run", "--pruning.sparsities", "[0.7]", "--pruning.dense_from", "dense") == 2
    error = capsys.readouterr().err
    assert "pruning.dense_from: dense holds a run of different settings: data.noise_rate is 0.4 but was 0.1" in error
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_dense_network_that_cannot_be_trained_is_told_in_a_line(tmp_path):
    arguments = [*QUICK, "--pruning.sparsities", "[0.7]", *FROM_DENSE, "--model.optimizer.lr", "1e30"]
    done = run_process(*arguments, "--run_dir", "run", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "could not be trained (exit status 2)" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_masks_from_auto_are_those_of_the_lottery_run(tmp_path):
    auto = ["--pruning.masks_from", "auto"]
    assert main([*QUICK, *auto, "--pruning.retrain", "scratch", "--run_dir", str(tmp_path / "reinit")]) == 0
    (tickets,) = set(_runs(tmp_path)) - {"reinit"}
    planned = plan([*QUICK, *auto, "--pruning.retrain", "lottery"])
    assert tmp_path / tickets == planned.run_dir(tmp_path), "a sweep's lottery run is the one whose masks are taken"
    assert planned.settings.values["pruning.masks_from"] is None
    assert planned.settings == plan(QUICK).settings
    for level in range(4):
        masks, own = level_state(tmp_path / "reinit", level)[1], level_state(tmp_path / tickets, level)[1]
        assert all(masks[name].equal(own[name]) for name in own)
    config = ["--config", str(tmp_path / "reinit" / "config.yaml")]
    assert main(["test", *config, "--ckpt_path", str(tmp_path / "reinit" / "levels" / "level-003.ckpt")]) == 0


def test_shuffled_masks_from_auto_are_those_of_the_plain_lottery_run_for_lottery_too(tmp_path, capsys):
    shuffled = ["--pruning.masks_from", "auto", "--pruning.masks_shuffled", "true"]
    planned = plan([*QUICK, *shuffled])
    assert planned.settings.values["pruning.masks_from"] == "auto"
    assert planned.run_dir() != plan(QUICK).run_dir()
    assert plan([*QUICK, "--pruning.masks_shuffled", "false"]).run_dir() == plan(QUICK).run_dir()
    for further in (["--pruning.retrain", "redense", *shuffled], shuffled[2:]):
        assert main([*QUICK, *further, "--run_dir", str(tmp_path / "run")]) == 2
        assert "pruning.masks_shuffled is true, but" in capsys.readouterr().err
    assert not any(tmp_path.iterdir()), "nothing is trained first"


@pytest.mark.slow
def test_a_run_under_shuffled_masks_trains_its_tickets_first(tmp_path):
    shuffled = ["--pruning.masks_from", "auto", "--pruning.masks_shuffled", "true"]
    assert main([*QUICK, *shuffled, "--run_dir", str(tmp_path / "control")]) == 0
    (tickets,) = set(_runs(tmp_path)) - {"control"}
    assert tmp_path / tickets == plan(QUICK).run_dir(tmp_path)


def test_masks_and_dense_network_exclude_each_other(tmp_path, capsys):
    both = ["--pruning.masks_from", str(tmp_path), "--pruning.retrain", "scratch", *FROM_DENSE]
    assert _fit(tmp_path / "run", *both) == 2
    assert "exclude each other" in capsys.readouterr().err


@pytest.mark.slow
def test_a_second_process_is_refused_or_waits(tmp_path):
    folder = RunFolder(tmp_path / "run")
    with folder.owned():
        refused = run_process(*QUICK, "--run_dir", "run", cwd=tmp_path)
        assert refused.returncode == 2
        assert "is being worked on by another process" in refused.stderr
        waiting = subprocess.Popen(
            [sys.executable, "-m", "sdd", *QUICK, "--run_dir", "run", "--wait", "true"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert waiting.stderr is not None
        assert "waiting for it" in next(line for line in waiting.stderr if "run" in line)
        assert waiting.poll() is None
    assert waiting.wait(100) == 0
    assert folder.finished
    waiting.stderr.close()


@pytest.mark.slow
def test_a_request_to_end_reaches_the_training_of_the_source(tmp_path):
    long = ["--pruning.epochs_per_level", "100000", "--pruning.sparsities", "[0.7]", *FROM_DENSE]
    process = subprocess.Popen(
        [sys.executable, "-m", "sdd", *QUICK, *long, "--run_dir", "run"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 100
    while not list(tmp_path.glob("*-dense-*/environment.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    (folder,) = tmp_path.glob("*-dense-*")
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=100)[0]
    assert process.returncode == 130, said
    with RunFolder(folder).owned():
        pass  # nobody holds it any more


def test_configurations_of_sources():
    pruning = {"epochs_per_level": 3, "rewind_steps": 1, "stop_loss": None, "exclude": [], "criterion": "random"}
    pruning |= {"retrain": "scratch", "masks_from": "auto", "masks_shuffled": True, "levels": 7}
    config = {"run_dir": "x", "wait": True, "pruning": pruning, "trainer": {"logger": True, "precision": 32}}
    config |= {"data": {"noise_rate": 0.5}}
    kept = json.loads(json.dumps(config))
    dense, tickets = dense_config(config), tickets_config(config)
    assert config == kept, "nothing is changed in place"
    same = {"data": {"noise_rate": 0.5}, "trainer": {"logger": False, "precision": 32}}
    assert dense == same | {
        "pruning": {"epochs_per_level": 3, "rewind_steps": 1, "stop_loss": None, "exclude": [], "levels": 0}
    }
    lottery = {"retrain": "lottery", "retrain_args": None, "masks_from": None, "masks_shuffled": False}
    assert tickets == same | {"pruning": pruning | lottery | {"redense_lr": None}}


def test_the_configuration_of_a_teacher_is_the_runs_without_one():
    pruning = {"epochs_per_level": 3, "rewind_steps": 1, "stop_loss": None, "exclude": [], "levels": 7}
    taught = {"distill_from": "auto", "distill_level": "peak", "distill_weight": 0.5, "distill_temperature": 2.0}
    config = {"pruning": pruning | {"dense_from": "there"}, "model": {"distance_penalty": 0.1} | taught}
    config |= {"trainer": {}, "checkpoint": {"keep_levels": False}}
    plain = {"model": {"distance_penalty": 0.1} | UNTAUGHT, "trainer": {"logger": False}}
    plain |= {"checkpoint": {"keep_levels": True, "level_precision": "full"}}
    assert teacher_config(config) == plain | {"pruning": pruning | {"dense_from": None}}
    assert dense_config(config, "found")["model"] == config["model"] | {"distill_from": "found"}
    config["model"]["distill_level"] = 0
    assert teacher_config(config) == plain | {"pruning": pruning | {"levels": 0}}
    assert dense_config(config, "found")["model"] == config["model"], "its own auto is the same dense network"
    defaults = signature(Classifier).parameters
    assert {name: defaults[name].default for name in UNTAUGHT} == UNTAUGHT


def test_a_plan_refuses_what_is_not_allowed():
    with pytest.raises(UserError, match=r"1\.2 is outside"):
        plan([*QUICK, "--data.noise_rate", "1.2"])
    with pytest.raises(UserError, match=r"pruning\.fraction is 2"):
        plan([*QUICK, "--pruning.fraction", "2"])
