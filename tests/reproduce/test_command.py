"""`python -m sdd reproduce`, as a user gives it."""

from pathlib import Path

import pytest

from sdd.__main__ import main
from sdd.errors import UserError
from sdd.reproduce.command import reproduce

TINY = str(Path(__file__).with_name("tiny.yaml"))


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a figure, 1 to 49, or all; --list says what each is"),
        (["50"], "there is no figure 50; there are 1 to 49, and all"),
        (["fig4"], "there is no figure fig4"),
        (["4", "--scale", "tiny"], "--scale is tiny; allowed: digits, reduced, paper, or a file"),
        (["5", "--set", "cifar10_resnet18:threads=1"], "these figures have no run of cifar10_resnet18"),
        (["4", "--workers", "0"], "--workers is 0"),
        (["4", "--gpus_per_run", "1"], "add --ray"),
        (["4", "--set", "data.root"], "must be \\[TASK:\\]NAME=VALUE"),
        (["4", "--set", "data.root=["], "--set data.root=\\[: the value is no YAML"),
        (["4", "--set", "seed_everything=5"], "seed_everything is what the figures or the scale decide"),
        (["4", "--set", "mnist_lenet:data.noise_rate=0.1"], "data.noise_rate is what the figures"),
        (["4", "--set", "pruning={retrain: finetune}"], "pruning.criterion is what the figures"),
        (["4", "--set", "run_dir=x"], "run_dir is what"),
        (["4", "--out", TINY], "--out is .*tiny.yaml is a file: give a folder"),
        (["4", "--runs", f"{TINY}/runs"], "--runs is .*tiny.yaml is a file: give a folder"),
        (["4", "--workrs", "2"], "--workrs is not an option; did you mean --workers\\?"),
    ],
)
def test_what_cannot_be_honoured_is_refused_in_one_line(arguments, said):
    with pytest.raises(UserError, match=said) as caught:
        reproduce(arguments)
    assert "\n" not in str(caught.value)
    assert list(Path().iterdir()) == []


def test_a_dry_run_lists_commands_costs_and_what_is_invalid(capsys):
    assert main(["reproduce", "45", "--scale", TINY, "--dry_run"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "# figure 45: learning distance by retraining, MNIST, ε 20 %"
    modes = ("lr_rewind", "lr_rewind", "scratch", "scratch")
    assert all(f"retrain={mode}" in line for mode, line in zip(modes, printed[1:5], strict=True))
    assert all(line.endswith(f"seed_everything={seed}") for seed, line in zip((0, 1) * 2, printed[1:5], strict=True))
    # 4 runs of 3 levels of 2 epochs of 0.01 s; 64 · 12 + 12 + 12 · 10 + 10 parameters of 5 · 3 + 21 · 2 bytes
    assert printed[5].startswith("# 4 of 4 runs to do: 24 epochs, about 0 s on one core")
    assert printed[5].endswith("0 MB of disk")
    assert len(printed) == 6
    assert list(Path().iterdir()) == []
    assert main(["reproduce", "45", "--scale", TINY, "--dry_run", "--set", "pruning.levls=3"]) == 1
    assert "invalid" in capsys.readouterr().out


def test_the_list_says_what_is_there(capsys):
    assert main(["reproduce", "--list", "45", "5", "--scale", TINY]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["figure", "runs", "time", "left", "disk", "what"]
    assert [line.split()[:2] for line in lines[1:3]] == [["45", "0/4"], ["5", "0/2"]]


def test_a_figure_whose_runs_failed_is_not_drawn_and_says_why(capsys, monkeypatch):
    monkeypatch.setattr("sdd.reproduce.command.run_all", lambda *_, **__: [])
    assert main(["reproduce", "5", "--scale", TINY]) == 1
    assert "figure 5: not drawn: " in capsys.readouterr().out
    assert not Path("figures").exists()


@pytest.mark.slow
def test_the_command_trains_what_is_missing_and_draws(capsys):
    command = ["reproduce", "5", "45", "--scale", TINY, "--workers", "2"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "6 runs: 6 finished" in printed
    names = sorted(path.name for path in Path("figures/tiny").iterdir())
    assert names == sorted(f"figure-{number}{end}" for number in (5, 45) for end in ("-numbers.csv", ".pdf", ".png"))
    before = {path: path.read_bytes() for path in Path("figures/tiny").iterdir()}
    assert main(command) == 0
    assert "6 finished before" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in Path("figures/tiny").iterdir()} == before
