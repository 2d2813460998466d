"""All commands find the same runs in a folder."""

from pathlib import Path

import pytest

from sdd.__main__ import main
from sdd.analysis import load_runs
from sdd.errors import UserError
from sdd.report.folders import read_folders
from sdd.runs.finding import run_folders_in, runs_in
from tests.analysis.test_comparison import make_run


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Runs one, two and three folders deep, and what is none of them: hidden, within a run, too deep, logs."""
    for name in ("runs/a-s0", "runs/rates/a-s1", "one-s2", ".kept/a-s3", "one-s2/copies/a-s4", "b/c/d/e/a-s5"):
        make_run(tmp_path / name, int(name[-1]))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("")
    (tmp_path / "runs" / "logs").mkdir()
    (tmp_path / "runs" / "logs" / "0.log").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FOUND = ["one-s2", "runs/a-s0", "runs/rates/a-s1"]


def test_runs_are_found_three_deep_and_runs_are_not_searched(project):
    assert [str(path) for path in run_folders_in(project.relative_to(project))] == FOUND
    assert [str(run.path) for run in runs_in([project.relative_to(project)])] == FOUND


def test_every_command_and_load_runs_find_those_that_the_report_finds(project, capsys):
    assert [str(folder.path) for folder in read_folders(["."]) if folder.run is not None] == FOUND
    assert sorted(set(load_runs(".")["path"])) == FOUND
    assert main(["analyze", ".", "--out", "analysis"]) == 0
    assert main(["plot", ".", "--out", "plot.svg"]) == 0
    assert main(["clean", ".", "--dry_run"]) == 0
    assert main(["status", "."]) == 0
    said = capsys.readouterr()
    assert "3 runs" in said.out
    assert said.err == ""


def test_a_run_that_has_lost_its_settings_is_told_by_every_command(project, capsys):
    (project / "runs" / "a-s0" / "settings.json").unlink()
    for command in (["report", "."], ["analyze", ".", "--out", "analysis"], ["plot", ".", "--out", "plot.svg"]):
        assert main(command) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("sdd: runs/a-s0 ")


@pytest.mark.parametrize("command", ["analyze", "plot", "report", "status", "clean"])
@pytest.mark.parametrize(
    ("given", "words"), [("docs", "no run"), ("docs/page.md", "is a file"), ("nowhere", "is not there")]
)
def test_where_there_is_none_one_line_says_so(project, capsys, command, given, words):
    assert main([command, given]) == 2
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith("sdd: error: ")
    assert f"{given} " in line
    assert words in line
    assert said.out == ""


def unless_shut(path, folder):
    """The path, unless it is, or lies in, the folder that may not be read."""
    if folder.name == "shut":
        raise PermissionError(13, "Permission denied")
    return path


def test_a_folder_that_may_not_be_read_costs_no_other(project, monkeypatch):
    (project / "shut").mkdir()
    is_file, iterdir = Path.is_file, Path.iterdir
    monkeypatch.setattr(Path, "is_file", lambda path: is_file(unless_shut(path, path.parent)))
    monkeypatch.setattr(Path, "iterdir", lambda path: iterdir(unless_shut(path, path)))
    with pytest.warns(UserWarning, match="shut cannot be read: Permission denied"):
        assert len(set(load_runs(".")["path"])) == 3
    (shut,) = (folder for folder in read_folders(["."]) if folder.path.name == "shut")
    assert (shut.state, shut.reason, shut.failed) == ("damaged", "cannot be read: Permission denied", True)
    with pytest.raises(UserError, match="shut cannot be read: Permission denied"):
        runs_in([project])
