"""Paths in every spelling that a user may give."""

import os
from pathlib import Path

import pytest
import yaml

from sdd.__main__ import main
from sdd.errors import UserError
from sdd.places import check_run_place, path_argument, place_of, resolved
from tests.small import QUICK


@pytest.fixture(autouse=True)
def _at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.delenv("NOWHERE", raising=False)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("runs/x", "runs/x"),
        ("runs/x/", "runs/x"),
        ("runs/../x", "runs/../x"),
        ("~/x", "{here}/home/x"),
        ("$SCRATCH/x", "{here}/scratch/x"),
        ("${SCRATCH}/x-s{seed}", "{here}/scratch/x-s7"),
        ("runs/~x$", "runs/~x$"),
        ("./~x", "{here}/~x"),
        ("./s3:x", "{here}/s3:x"),
        ("runs/lr:0.1", "runs/lr:0.1"),
        ("ü ö/[x]", "ü ö/[x]"),
    ],
)
def test_a_path_is_expanded_once_and_then_names_itself(tmp_path, written, place):
    found = place_of(written, "run_dir", 7)
    assert str(found) == place.replace("{here}", str(tmp_path))
    assert place_of(str(found), "run_dir") == found


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "leave it out"),
        (" ", "leave it out"),
        ("$NOWHERE/x", "NOWHERE is not set"),
        ("~no-such-user/x", "no such user"),
        ("x::y", "reads as an address"),
        ("file:x", "reads as an address"),
        ("file:///x", "reads as an address"),
        ("s3://bucket/x", "reads as an address"),
        ("a\nb", "control character"),
        ("a\0b", "control character"),
        ("a\x1b[31mb", "control character"),
        (os.fsdecode(b"a\xff"), "not UTF-8"),
        ("n" * 300, "too long"),
        ("/".join(["d" * 200] * 25), "too long"),
    ],
)
def test_what_is_no_path_here_is_refused_in_a_short_line(written, words):
    with pytest.raises(UserError, match=f"^run_dir is .*{words}") as refused:
        place_of(written, "run_dir")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300
    with pytest.raises(Exception, match=words):
        path_argument(written)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("file", "is a file"),
        ("file/x", "is a file"),
        ("loop", "leads nowhere"),
        ("loop/x", "leads nowhere"),
        ("dangling/x", "leads nowhere"),
        pytest.param(
            "/proc/x", "nothing may be written", marks=pytest.mark.skipif(not Path("/proc").is_dir(), reason="Linux")
        ),
        ("/".join(["d" * 200] * 20) + "/" + "d" * 40, "too long"),
    ],
)
def test_a_run_goes_only_where_files_can_be_written(tmp_path, place, words):
    Path("file").write_text("x")
    Path("loop").symlink_to("loop")
    Path("dangling").symlink_to("nowhere")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match=f"^run_dir is .*{words}"):
        check_run_place(Path(place), "run_dir")
    check_run_place(Path("new/folder"), "run_dir")
    assert sorted(tmp_path.iterdir()) == before


def test_links_in_a_circle_have_a_place_too(tmp_path):
    Path("loop").symlink_to("loop")
    assert resolved(Path("loop")) == resolved(tmp_path) / "loop"


def test_a_home_folder_in_a_configuration_is_one_folder_for_all_commands(tmp_path, capsys):
    config = yaml.safe_load(Path(QUICK[2]).read_text()) | {"run_dir": "~/x"}
    Path("mine.yaml").write_text(yaml.safe_dump(config))
    short = ["--config", "mine.yaml", *QUICK[3:], "--pruning.levels", "1", "--pruning.epochs_per_level", "1"]
    run = tmp_path / "home" / "x"
    assert main(["fit", *short]) == 0
    curve = (run / "curve.csv").read_bytes()
    for again in (["~/x"], ["$HOME/x"], [str(run)]):
        assert main(["fit", *short, "--run_dir", *again]) == 0
        assert "is finished" in capsys.readouterr().out
    assert main(["test", *short]) == 0
    assert main(["fit", *short, "--run_dir=re", "--pruning.retrain=scratch", "--pruning.masks_from=~/x"]) == 0
    assert main(["analyze", "~/x", "re", "--out", "$HOME/analysis"]) == 0
    assert "winning tickets" in capsys.readouterr().out
    assert main(["report", "~/x/", "--out", "~/page.html"]) == 0
    assert (run / "curve.csv").read_bytes() == curve
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "mine.yaml", "re"]
    assert main(["fit", *short, "--run_dir=~"]) == 2
    assert "home folder" in capsys.readouterr().err
