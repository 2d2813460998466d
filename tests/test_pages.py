"""What readers copy out of README.md and docs/ works: Python runs, commands parse, and what is named exists."""

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
from tests.documents import PAGES, README, TUTORIAL, blocks, commands, spans
from tests.small import PROJECT, QUICK

# What stands in the pages for a value of the reader's own.
READERS_OWN = {"X": "digits_noise_rates", "N": "2", "ADDRESS": "127.0.0.1:6379", "DIR": "data", "$s": "3"}
READERS_OWN |= {"NAME": "digits_noise_rates", "SECTION": "pruning", "FIGURE": "4"}
ONE_EPOCH = [*QUICK, "--pruning.epochs_per_level", "1", "--threads", "1"]
EXPERIMENTS = ("fit", "test", "validate")
OTHERS = [page for page in PAGES if page != TUTORIAL]  # which has files of its own, and a test that follows it
PYTHON = [(page, block) for page in OTHERS for block in blocks(page, "python") if not block.title]
"""Less what is a file by itself: `tests/test_sweep_pages.py` runs that."""


def _filled_in(word):
    parts = re.split(r"(\$\w+|\b[A-Z]+\b)", word)
    return "".join(READERS_OWN.get(part, part) for part in parts)


def _every_command(scripts):
    found = [[_filled_in(word) for word in command] for script in scripts for command in commands(script)]
    return [["python", "-m", *command] if command[0] == "sdd" else command for command in found]


SCRIPTS = [block.text for page in OTHERS for block in blocks(page, "sh")]
SPANS = [span for page in OTHERS for span in spans(page) if re.match(r"(python -m sdd|sdd|make|pip|sbatch) ", span)]
COMMANDS = _every_command([*SCRIPTS, *SPANS])


def _ours(found):
    """Command lines of sdd, without what the shell does with their output, each once."""
    ours = [command[3:] for command in found if command[2:3] == ["sdd"] and len(command) > 3]
    return [list(one) for one in dict.fromkeys(tuple(one[: one.index(">")] if ">" in one else one) for one in ours)]


OURS = _ours(COMMANDS)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with small runs, and files, of the names that the pages use."""
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
        shutil.copy(PROJECT / "configs" / "digits_mlp.yaml", "mine.yaml")
    return place


def _defines_a_class(block):
    return any(isinstance(node, ast.ClassDef) for node in ast.parse(block.text).body)


@pytest.mark.parametrize("page", list(dict.fromkeys(page for page, _ in PYTHON)), ids=lambda page: page.stem)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, runs, monkeypatch):
    monkeypatch.chdir(runs)
    mpl.use("Agg")
    names = {}
    for block in [block for one, block in PYTHON if one == page and not _defines_a_class(block)]:
        exec(compile(block.text, f"{page.name}:{block.line}", "exec"), names)
        if "masks" in names:
            assert names["masks"].keys() < names["weights"].keys()
            assert all(not names["weights"][name][~mask].any() for name, mask in names["masks"].items())
            assert all(not mask.all() for mask in names["masks"].values())
        if "rates" in names:
            lines = mpl.pyplot.gca().get_lines()
            assert [line.get_label() for line in lines] == ["0.2", "0.4"]
            assert all(len(line.get_xdata()) == 2 for line in lines)
        mpl.pyplot.close("all")
    if "measured" in names:
        assert names["measured"]["test_acc"] == names["run"].curve["test_acc"][2]
    if "trainer" in names:
        read = load_runs([names["run"].path, "runs/by_hand"])
        assert read["finished"].all()
        assert len(read) == 8


def test_every_page_with_python_is_followed():
    assert {page.stem for page, _ in PYTHON} == {"README", "library", "measures", "runs"}


def test_the_measure_of_the_pages_is_a_column(runs, tmp_path, monkeypatch):
    ((page, block),) = ((page, one) for page, one in PYTHON if _defines_a_class(one))
    (path,) = {path for span in spans(page) for path in re.findall(r"--trainer\.callbacks (\S+)", span)}
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
def test_a_fit_of_the_pages_can_be_planned(command, runs, monkeypatch):
    monkeypatch.chdir(runs)
    if "--help" in command:
        assert main(command) == 0
        return
    if {"--print_config", "--model.net.help"} & {*command}:
        with pytest.raises(SystemExit, match="0"):
            main(command)
        return
    assert plan(command).seed in {0, 3}


def test_a_level_is_tested_as_the_pages_say(runs, monkeypatch, capsys):
    (command,) = (one for one in OURS if one[0] == "test")
    monkeypatch.chdir(runs)
    assert main(command) == 0
    assert "test_acc" in capsys.readouterr().out


@pytest.mark.slow
def test_data_are_shown_as_the_pages_say(runs, monkeypatch, capsys):
    monkeypatch.chdir(runs)
    shown = [command for command in _every_command(SCRIPTS) if command[3:4] == ["data"]]
    assert len(shown) > 2
    for command in shown:
        words, _, file = " ".join(command[3:]).partition(" > ")
        assert main(words.split()) == 0
        told = capsys.readouterr().out
        if file:
            Path(file).write_text(told)
        else:
            assert "labels are wrong" in told
    assert Path("page.png").stat().st_size > 10_000


class _Parsed(Exception):  # noqa: N818 - not an error
    """The command line is right; nothing is to be done."""


@pytest.mark.parametrize(
    "command", [one for one in OURS if one[0] not in (*EXPERIMENTS, "data", "--version")], ids=" ".join
)
def test_any_other_command_of_the_pages_parses(command, monkeypatch):
    for name in ("parse_args", "parse_intermixed_args"):
        parse = getattr(argparse.ArgumentParser, name)

        def stop(self, arguments, parse=parse):
            raise _Parsed(parse(self, arguments))

        monkeypatch.setattr(OneLineParser, name, stop, raising=False)
    with pytest.raises(_Parsed):
        main(command)


def test_make_extras_and_scripts_of_the_pages_exist():
    targets = set(re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    asked = {target for command in COMMANDS if command[0] == "make" for target in command[1:2]}
    assert asked
    assert asked <= targets
    extras = set(re.findall(r"^(\w+) = \[", (PROJECT / "pyproject.toml").read_text(), re.MULTILINE))
    named = {extra for command in COMMANDS for extra in re.findall(r"[\[,](\w+)", command[-1]) if command[0] == "pip"}
    assert named
    assert named <= extras


_IS_FILE = re.compile(r"(sdd|configs|sweeps|docs|tests|examples|\.ci)/[\w./]+$")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_a_page_names_exists(page):
    named = [word for block in blocks(page, "sh") for command in commands(block.text) for word in command]
    named += [word for span in spans(page) for word in span.split()]
    ours = {
        _filled_in(word) for word in named if re.match(r"(sdd|configs|sweeps|docs|tests|examples|\.ci)/[\w./]+$", word)
    }
    links = re.findall(r"\]\(((?!https?:|#)[^)#]+)[^)]*\)", page.read_text())
    assert (
        sorted(path for path in ours if not any((place / path).exists() for place in (PROJECT, PROJECT / "sdd"))) == []
    )
    assert sorted(link for link in links if not (page.parent / link).exists()) == []


def test_the_readme_leads_to_every_page():
    linked = set(re.findall(r"\]\((?:docs/)?(\w+\.md)\)", README.read_text()))
    assert {page.name for page in PAGES if page != README} - linked == {"index.md"}
    assert len(README.read_text().splitlines()) < 200


@pytest.mark.parametrize("folder", ["configs", "sweeps"])
def test_every_file_of_experiments_is_in_their_tables(folder):
    text = (PROJECT / "docs" / "experiments.md").read_text()
    assert [path.stem for path in (PROJECT / folder).glob("*.yaml") if f"`{path.stem}`" not in text] == []


def test_every_setting_that_the_pages_name_is_one(capsys):
    assert main(["fit", "--help", "all"]) == 0
    flags = set(re.findall(r"--([\w.]+)", capsys.readouterr().out))
    measures = "distance|dynamics|flatness|calibration|entropy"
    pattern = rf"(?<!\w\.)\b(?:data|model|pruning|{measures}|checkpoint|curve|progress|trainer)\.\w+"
    every = [span for page in PAGES if page.stem != "architecture" for span in spans(page)]
    named = {name for span in every for name in re.findall(pattern, span) if "/" not in span}
    named -= {name for name in named if name.endswith((".csv", ".json", ".png"))}
    named.remove("trainer.max_epochs")  # which follows from the levels
    assert len(named) > 100
    assert sorted(named - flags) == []
