"""What readers copy out of README.md works: its Python runs, its commands parse, and what it names exists."""

import argparse
import ast
import re
import shutil
from pathlib import Path

import matplotlib as mpl
import pytest

from sdd.__main__ import main
from sdd.analysis import load_runs
from sdd.analysis.curve import read_curve
from sdd.cli.parse import plan
from sdd.console import OneLineParser
from tests.documents import README, blocks, commands, spans
from tests.small import PROJECT, QUICK

# What stands in the README for a value of the reader's own.
READERS_OWN = {"X": "digits_noise_rates", "N": "2", "ADDRESS": "127.0.0.1:6379", "DIR": "data", "$s": "3"}
ONE_EPOCH = [*QUICK, "--pruning.epochs_per_level", "1", "--threads", "1"]
PYTHON = blocks(README, "python")


def _filled_in(word):
    parts = re.split(r"(\$\w+|\b[A-Z]+\b)", word)
    return "".join(READERS_OWN.get(part, part) for part in parts)


def _every_command():
    scripts = [block.text for block in blocks(README, "sh")]
    scripts += [span for span in spans(README) if re.match(r"(python -m sdd|sdd|make|pip|sbatch) ", span)]
    found = [[_filled_in(word) for word in command] for script in scripts for command in commands(script)]
    return [["python", "-m", *command] if command[0] == "sdd" else command for command in found]


COMMANDS = _every_command()
OURS = [command[3 : command.index(">") if ">" in command else None] for command in COMMANDS if command[2:3] == ["sdd"]]
EXPERIMENTS = ("fit", "test", "validate")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with small runs of the names that the README uses."""
    place = tmp_path_factory.mktemp("readers")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for rate in ("0.2", "0.4"):
            folder = f"runs/digits_noise_rates/{rate}"
            assert main([*ONE_EPOCH, "--pruning.levels", "1", "--data.noise_rate", rate, "--run_dir", folder]) == 0
        assert main([*ONE_EPOCH, "--pruning.levels", "12", "--run_dir", "runs/x"]) == 0
        # The README's loop trains one for each seed before the run that takes its masks.
        shutil.copytree("runs/x", f"runs/digits-lottery-s{READERS_OWN['$s']}")
        Path("configs").symlink_to(PROJECT / "configs")
    return place


def _is_from_python(block):
    return block.section == "From Python"


def _defines_a_class(block):
    return any(isinstance(node, ast.ClassDef) for node in ast.parse(block.text).body)


def _has_a_test_of_its_own(block):
    return _defines_a_class(block) or _is_from_python(block)


@pytest.mark.parametrize(
    "block", [one for one in PYTHON if not _has_a_test_of_its_own(one)], ids=lambda one: one.section
)
def test_python_of_the_readme_runs(block, runs, monkeypatch):
    monkeypatch.chdir(runs)
    mpl.use("Agg")
    names = {}
    exec(compile(block.text, f"README.md:{block.line}", "exec"), names)
    if "masks" in names:
        assert names["masks"].keys() < names["weights"].keys()
        assert all(not names["weights"][name][~mask].any() for name, mask in names["masks"].items())
        assert all(not mask.all() for mask in names["masks"].values())
        return
    lines = mpl.pyplot.gca().get_lines()
    assert [line.get_label() for line in lines] == ["0.2", "0.4"]
    assert all(len(line.get_xdata()) == 2 for line in lines)
    mpl.pyplot.close()


def test_what_python_runs_in_the_readme_leaves_whole_runs(runs, monkeypatch):
    monkeypatch.chdir(runs)
    mpl.use("Agg")
    by_command, by_hand = (block for block in PYTHON if _is_from_python(block))
    names = {}
    exec(compile(by_command.text, f"README.md:{by_command.line}", "exec"), names)
    mpl.pyplot.close()
    assert names["measured"]["test_acc"] == names["run"].curve["test_acc"][2]
    exec(compile(by_hand.text, f"README.md:{by_hand.line}", "exec"), {})
    read = load_runs([names["run"].path, "runs/by_hand"])
    assert read["finished"].all()
    assert len(read) == 8


def test_the_measure_of_the_readme_is_a_column(runs, tmp_path, monkeypatch):
    (block,) = (one for one in PYTHON if _defines_a_class(one))
    (path,) = {path for span in spans(README) for path in re.findall(r"--trainer\.callbacks (\S+)", span)}
    module, _, name = path.partition(".")
    (tmp_path / f"{module}.py").write_text(block.text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert f"class {name}" in block.text
    assert main([*ONE_EPOCH, "--pruning.levels", "1", "--trainer.callbacks", path, "--run_dir", "run"]) == 0
    with_it, without = read_curve(tmp_path / "run" / "curve.csv"), read_curve(runs / "runs" / "x" / "curve.csv")
    (column,) = with_it[0].keys() - without[0].keys()
    assert all(row[column] > 0 for row in with_it)


@pytest.mark.parametrize("command", [one for one in OURS if one[0] == "fit"], ids=" ".join)
def test_a_fit_of_the_readme_can_be_planned(command, runs, monkeypatch):
    monkeypatch.chdir(runs)
    if "--help" in command:
        assert main(command) == 0
        return
    assert plan(command).seed in {0, 3}


def test_a_level_is_tested_as_the_readme_says(runs, monkeypatch, capsys):
    (command,) = (one for one in OURS if one[0] == "test")
    monkeypatch.chdir(runs)
    assert main(command) == 0
    assert "test_acc" in capsys.readouterr().out


def test_data_are_shown_as_the_readme_says(runs, monkeypatch, capsys):
    (command,) = (one for one in OURS if one[0] == "data")
    monkeypatch.chdir(runs)
    assert main(command) == 0
    assert "training labels are wrong" in capsys.readouterr().out
    assert Path(command[-1]).stat().st_size > 10_000


class _Parsed(Exception):  # noqa: N818 - not an error
    """The command line is right; nothing is to be done."""


@pytest.mark.parametrize("command", [one for one in OURS if one[0] not in (*EXPERIMENTS, "data")], ids=" ".join)
def test_any_other_command_of_the_readme_parses(command, monkeypatch):
    for name in ("parse_args", "parse_intermixed_args"):
        parse = getattr(argparse.ArgumentParser, name)

        def stop(self, arguments, parse=parse):
            raise _Parsed(parse(self, arguments))

        monkeypatch.setattr(OneLineParser, name, stop, raising=False)
    with pytest.raises(_Parsed):
        main(command)


def test_make_extras_and_scripts_of_the_readme_exist():
    targets = set(re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    asked = {target for command in COMMANDS if command[0] == "make" for target in command[1:]}
    assert asked
    assert asked <= targets
    extras = set(re.findall(r"^(\w+) = \[", (PROJECT / "pyproject.toml").read_text(), re.MULTILINE))
    named = {extra for command in COMMANDS for extra in re.findall(r"[\[,](\w+)", command[-1]) if command[0] == "pip"}
    assert named
    assert named <= extras


def test_every_file_that_the_readme_names_exists():
    named = [word for span in [*spans(README), *(" ".join(one) for one in COMMANDS)] for word in span.split()]
    named += re.findall(r"\]\(((?!https?:)[^)]+)\)", README.read_text())
    ours = {Path(_filled_in(word)) for word in named if re.match(r"(sdd|configs|sweeps|docs|tests|\.ci)/", word)}
    assert len(ours) > 10
    assert [path for path in sorted(ours) if not (PROJECT / path).exists()] == []


@pytest.mark.parametrize("folder", ["configs", "sweeps"])
def test_every_file_of_experiments_is_in_the_readme(folder):
    text = README.read_text()
    assert [path.stem for path in (PROJECT / folder).glob("*.yaml") if f"`{path.stem}`" not in text] == []


def test_every_setting_that_the_readme_names_is_one(capsys):
    assert main(["fit", "--help", "all"]) == 0
    flags = set(re.findall(r"--([\w.]+)", capsys.readouterr().out))
    measures = "distance|dynamics|flatness|calibration|entropy"
    pattern = rf"\b(?:data|model|pruning|{measures}|checkpoint|curve|progress|trainer)\.\w+"
    named = {name for span in spans(README) for name in re.findall(pattern, span) if "/" not in span}
    named -= {name for name in named if name.endswith((".csv", ".json", ".png"))}
    assert len(named) > 20
    assert sorted(named - flags) == []
