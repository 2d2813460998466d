"""The command line, in this process: what is refused, with which words, and what a finished run leaves."""

import json
import re

import pytest
import torch
import yaml

from sdd.__main__ import main
from sdd.analysis.curve import FIRST_COLUMNS, read_curve
from tests.small import CONFIG, QUICK, curve_without_seconds


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    yield
    torch.set_num_threads(threads)


def test_a_precision_of_products_is_not_for_the_next_command_of_a_process():
    assert main([*QUICK, "--trainer.fast_dev_run", "true", "--matmul_precision", "high"]) == 0
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data.dataset", "svhn"], ["data.dataset", "svhn", "cifar100, digits", "image_folder"]),
        (
            ["--data.noise_type", "white"],
            ["data.noise_type", "white", "asymmetric, human, pairflip, symmetric, uniform"],
        ),
        (["--data.noise_type", "asymmetric"], ["asymmetric", "digits", "symmetric, uniform"]),
        (["--data.noise_type", "human"], ["noise_file"]),
        (["--data.noise_rate", "1.5"], ["1.5", "[0, 1]"]),
        (["--data.noise_rate", "-0.1"], ["-0.1", "[0, 1]"]),
        (["--data.noise_rate", ".nan"], ["nan", "[0, 1]"]),
        (["--data.train_size", "5000"], ["5000", "1000"]),
        (["--data.dataset", "image_folder"], ["train/CLASS", "data.root"]),
        (["--pruning.criterion", "taste"], ["pruning.criterion", "taste", "gradient, largest, magnitude, random"]),
        (["--pruning.retrain", "never"], ["pruning.retrain", "finetune, lottery, lr_rewind, redense, scratch"]),
        (["--pruning.fraction", "1"], ["pruning.fraction", "between 0 and 1"]),
        (["--pruning.sparsities", "[0.5, 0.4]"], ["0.4", "rise"]),
        (["--pruning.exclude", "[head.weight]"], ["head.weight", "hidden.0.weight"]),
        (["--pruning.rewind_steps", "1000000"], ["rewind_steps", "only 12 steps"]),
        (["--model.net.num_classes", "7"], ["[7]", "--model.net.num_classes 10"]),
        (["--model.net.widths", "[0]"], ["shape [0, 64]", "width of at least 1"]),
        (["--model.net.in_features", "7"], ["[1, 8, 8]", "--model.net.in_features"]),
        (["--model.net", "no.such.Net"], ["no.such.Net"]),
        (["--model.optimizer.lr", "fast"], ["lr", "fast"]),
        (["--model.lr_scheduler", "torch.optim.lr_scheduler.ReduceLROnPlateau"], ["ReduceLROnPlateau", "MultiStepLR"]),
        (["--trainer.max_epochs", "7"], ["trainer.max_epochs", "pruning.levels", "leave it unset"]),
        (["--trainer.default_root_dir", "x"], ["--run_dir"]),
        (["--data.seed", "7"], ["data.seed", "seed_everything", "leave it unset"]),
        (["--seed_everything", "true"], ["seed_everything", "whole number"]),
        (["--seed_everything", "-1"], ["seed_everything", "-1"]),
        (["--threads", "0"], ["threads", "0"]),
        (["--checkpoint.every_n_epochs", "0"], ["every_n_epochs"]),
        (["--ckpt_path", "x.ckpt"], ["ckpt_path", "test and validate"]),
        (["--no_such_thing", "1"], ["no_such_thing"]),
        (["--config", "nowhere.yaml"], ["nowhere.yaml"]),
    ],
)
def test_bad_input_is_one_line_before_any_training(tmp_path, capsys, arguments, words):
    assert main([*QUICK, *arguments]) == 2
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if line]
    assert len(lines) == 1, shown.err
    assert lines[0].startswith("sdd: error: ")
    for word in words:
        assert word in lines[0]
    assert shown.out == ""
    assert list(tmp_path.iterdir()) == [], "nothing may be left behind"


@pytest.mark.parametrize("flag", ["--config", "--data", "--trainer.callbacks"])
def test_aliases_that_stand_for_values_without_end_are_refused(tmp_path, capsys, flag):
    lines = [f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefg", "bcdefgh", strict=True)]
    (tmp_path / "bomb.yaml").write_text("\n".join(["a: &a [1, 2, 3]", *lines]))
    assert main([*QUICK, flag, str(tmp_path / "bomb.yaml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "its aliases stand for more than 1,000,000 values" in line


def test_missing_data_without_network_says_which_files_go_where(tmp_path, capsys, monkeypatch):
    def no_network(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    assert main([*QUICK, "--data.dataset", "mnist", "--data.root", str(tmp_path / "here")]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    for word in ("mnist", str(tmp_path / "here"), "MNIST/raw", "train", "--data.root"):
        assert word in line


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_says_what_the_program_is_for(capsys, arguments):
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for word in ("Sparse double descent", "fit", "test", "validate", "bench", "--config digits_mlp"):
        assert word in out


def test_an_unknown_command_names_the_known_ones(capsys):
    assert main(["trian"]) == 2
    assert "fit, test, validate" in capsys.readouterr().err


def test_a_run_owns_one_folder_with_all_its_results(tmp_path, capsys):
    assert main(QUICK) == 0
    out = capsys.readouterr().out
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"digits_mlp-s0-[0-9a-f]{8}", folder.name)
    rows = read_curve(folder / "curve.csv")
    assert [row["level"] for row in rows] == [0, 1, 2, 3]
    assert tuple(rows[0])[: len(FIRST_COLUMNS)] == FIRST_COLUMNS
    assert (folder / "curve.png").read_bytes()[1:4] == b"PNG"
    assert json.loads((folder / "summary.json").read_text())["dense_test_acc"] == rows[0]["test_acc"]
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["pruning"]["levels"] == 3
    assert config["data"]["noise_rate"] == 0.4
    assert len(list((folder / "levels").iterdir())) == 4
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["epoch-000012.ckpt"]
    for name in ("curve.csv", "curve.png", "summary.json", "config.yaml"):
        assert str(folder.relative_to(tmp_path) / name) in out
    assert "ouble descent" in out
    assert "Spearman" in out


def test_the_same_settings_find_the_same_folder_and_others_another(tmp_path, capsys):
    main(QUICK)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    quieter = ["--trainer.log_every_n_steps", "7", "--progress.show", "lines", "--trainer.devices", "1"]
    assert main([*QUICK, *quieter]) == 0
    assert "finished" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
    assert main([*QUICK, "--data.noise_seed", "1"]) == 0
    assert main([*QUICK, "--seed_everything", "1"]) == 0
    assert len(list((tmp_path / "runs").iterdir())) == 3


def test_a_folder_of_other_settings_is_refused_with_the_difference(capsys):
    main([*QUICK, "--run_dir", "mine"])
    capsys.readouterr()
    assert main([*QUICK, "--run_dir", "mine", "--data.noise_rate", "0.3"]) == 2
    line = capsys.readouterr().err
    assert "data.noise_rate is 0.3 but was 0.4" in line
    assert line.count("\n") == 1


def test_a_folder_of_something_else_is_refused(tmp_path, capsys):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("precious")
    assert main([*QUICK, "--run_dir", "thesis"]) == 2
    assert "holds no run" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_the_saved_config_gives_the_same_run_again(tmp_path):
    main([*QUICK, "--run_dir", "first"])
    assert main(["fit", "--config", "first/config.yaml", "--run_dir", "second"]) == 0
    assert curve_without_seconds(tmp_path / "first") == curve_without_seconds(tmp_path / "second")
    first, second = ((tmp_path / name / "settings.json").read_text() for name in ("first", "second"))
    assert first == second


def test_test_and_validate_read_a_level_of_the_run(capsys, tmp_path):
    run = [*QUICK[1:], "--run_dir", "mine", "--data.val_size", "100"]
    main(["fit", *run])
    rows = read_curve(tmp_path / "mine" / "curve.csv")
    capsys.readouterr()
    level_1 = ["--ckpt_path", "mine/levels/level-001.ckpt"]
    for command, row, column in (
        (["test", *run], rows[-1], "test_acc"),
        (["test", *run, *level_1], rows[1], "test_acc"),
        (["validate", *run, *level_1], rows[1], "val_acc"),
    ):
        assert main(command) == 0
        shown = re.search(rf"{column}\s+([\d.]+)", capsys.readouterr().out)
        assert shown is not None
        assert float(shown[1]) == pytest.approx(row[column], abs=1e-6)
    assert main(["test", *QUICK[1:], "--run_dir", "other"]) == 2
    assert "run fit first" in capsys.readouterr().err
    assert main(["validate", *QUICK[1:], "--run_dir", "mine"]) == 2
    assert "val_size" in capsys.readouterr().err


def test_a_network_and_an_optimizer_of_somebody_else_need_no_change_of_ours(tmp_path):
    config = tmp_path / "own.yaml"
    content = yaml.safe_load(CONFIG.read_text())
    content["model"]["net"] = {"class_path": "tests.small.NormNet"}
    content["model"]["optimizer"] = {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.01}}
    content["pruning"] |= {"levels": 1, "epochs_per_level": 1, "retrain": "scratch"}
    config.write_text(yaml.safe_dump(content))
    assert main(["fit", "--config", str(config), "--run_dir", "own", "--progress.show", "none"]) == 0
    assert len(read_curve(tmp_path / "own" / "curve.csv")) == 2


def test_a_function_of_torchvision_builds_a_network(tmp_path, capsys):
    config = tmp_path / "mobile.yaml"
    content = yaml.safe_load(CONFIG.read_text())
    init_args = {"num_classes": 10}
    content["model"]["net"] = {"class_path": "torchvision.models.squeezenet1_1", "init_args": init_args}
    content["pruning"]["exclude"] = []
    config.write_text(yaml.safe_dump(content))
    assert main(["fit", "--config", str(config), "--run_dir", "x"]) == 2
    line = capsys.readouterr().err
    assert "images of shape [1, 8, 8]" in line, "the network was built, and does not take grey images"


def test_a_full_disk_ends_with_one_line_and_loses_no_finished_level(tmp_path, capsys, monkeypatch):
    import errno
    import os

    real = os.fsync

    def full(handle):
        if (tmp_path / "mine" / "curve.csv").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    assert main([*QUICK, "--run_dir", "mine"]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "No space left" in line
    assert "same command goes on" in line
    done = read_curve(tmp_path / "mine" / "curve.csv")
    assert len(done) >= 1
    assert not list((tmp_path / "mine").rglob("*.part"))
    monkeypatch.setattr(os, "fsync", real)
    assert main([*QUICK, "--run_dir", "mine"]) == 0
    assert main([*QUICK, "--run_dir", "again"]) == 0
    assert curve_without_seconds(tmp_path / "mine") == curve_without_seconds(tmp_path / "again")


@pytest.mark.parametrize("arguments", [["analyze"], ["analyze", "x", "--levels", "one"], ["bench", "--epochs", "x"]])
def test_other_commands_complain_in_one_line_too(capsys, arguments):
    assert main(arguments) == 2
    line = capsys.readouterr().err
    assert line.startswith("sdd: error: ")
    assert line.count("\n") == 1
    assert "--help" in line
