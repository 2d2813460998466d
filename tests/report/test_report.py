"""The command: what it writes, says and returns; and how it watches."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from sdd.__main__ import main
from sdd.errors import UserError
from sdd.report.command import report
from tests.analysis.test_comparison import make_run
from tests.report.made_runs import every_state
from tests.small import PROJECT


def data_of(page):
    text = page.read_text()
    start = text.index('<script type="application/json" id="data">')
    return json.loads(text[text.index(">", start) + 1 : text.index("</script>", start)])


def test_it_writes_the_page_and_says_how_many(tmp_path, capsys):
    for seed in range(2):
        make_run(tmp_path / "runs" / f"s{seed}", seed)
    assert report([str(tmp_path / "runs"), "--out", str(tmp_path / "deep" / "page.html")]) == 0
    out, err = capsys.readouterr()
    assert "page.html: 2 curves in 1 group; folders: 2 finished;" in out
    assert err == ""
    data = data_of(tmp_path / "deep" / "page.html")
    assert (data["title"], data["watch"]) == ("runs", None)


def test_folders_that_cannot_be_used_are_named_and_make_the_status_1(tmp_path, capsys):
    assert report([str(every_state(tmp_path / "runs")), "--out", str(tmp_path / "page.html")]) == 1
    out, err = capsys.readouterr()
    assert "4 curves in 1 group; folders: 1 finished, 1 unfinished, 2 without a level yet, 5 damaged, 1 no run" in out
    assert len(err.splitlines()) == 5
    assert all(line.startswith("sdd: ") for line in err.splitlines())


def test_unfinished_runs_are_no_failure(tmp_path):
    make_run(tmp_path / "runs" / "one", 0, levels=3, finished=False)
    (tmp_path / "runs" / "two").mkdir()
    assert report([str(tmp_path / "runs"), "--out", str(tmp_path / "page.html")]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing"], "there is no run to report: missing is not there"),
        (["missing", "other"], "there is no run to report in 2 folders (2 no run)"),
        (["runs", "--out", "runs"], "--out runs is a folder; name a file"),
        (["runs", "--out", "runs/one/curve.csv"], "--out is runs/one/curve.csv; a page's name must end in .html"),
        (["--watch", "runs"], "give RUNS before --watch"),
        (["nowhere", "--watch"], "nowhere is not there, and no sweep makes it by default"),
        (["nowhere/digits_noise_rates", "--watch"], "nowhere/digits_noise_rates is not there"),
        (["nowhere/runs", "--watch"], "nowhere/runs is not there"),
        (["runs", "runs/typo", "--watch"], "runs/typo is not there"),
        (["runs/one/curve.csv", "--watch"], "runs/one/curve.csv is a file"),
        (["runs", "--watch", "0"], "'0' is no number of seconds above 0"),
        (["runs", "--watch", "nan"], "'nan' is no number of seconds above 0"),
        ([], "RUNS"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "runs" / "one", 0)
    assert main(["report", *arguments]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("sdd: error: ")]
    assert words in line
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("name", ["runs", "runs/digits_noise_rates", "digits_noise_rates", "runs/mine"])
def test_a_folder_that_a_sweep_is_about_to_make_is_waited_for(tmp_path, monkeypatch, capsys, name):
    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text("method: grid\n")
    monkeypatch.setattr("sdd.report.command.time.sleep", interrupted)
    assert main(["report", name, "--watch"]) == 130
    said = capsys.readouterr().out.splitlines()[0]
    assert said == f"watching every 30 s; Ctrl-C ends it; {name} is not there yet, and is waited for"


def test_the_old_page_stays_where_there_is_nothing_to_report(tmp_path):
    (tmp_path / "page.html").write_text("old")
    with pytest.raises(UserError):
        report([str(tmp_path / "missing"), "--out", str(tmp_path / "page.html")])
    assert (tmp_path / "page.html").read_text() == "old"


def wait_for(condition, seconds=60):
    for _ in range(seconds * 20):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("did not happen in time")


@pytest.mark.slow
@pytest.mark.parametrize("ended_by", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_watching_waits_for_the_folder_follows_changes_and_ends_tidily(tmp_path, ended_by):
    page, runs = tmp_path / "page.html", tmp_path / "runs"
    command = [sys.executable, "-m", "sdd", "report", str(runs), "--out", str(page), "--watch", "0.1"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(page.exists)
        assert data_of(page)["watch"] == 0.1
        assert data_of(page)["runs"][0]["reason"].startswith("is not there")
        make_run(runs / "one", 0, levels=3, finished=False)
        wait_for(lambda: [len(run["level"]) for run in data_of(page)["runs"]] == [3])
        make_run(runs / "one", 0)
        make_run(runs / "two", 1)
        wait_for(lambda: [run["state"] for run in data_of(page)["runs"]] == ["finished", "finished"])
        time.sleep(0.5)
        written = page.stat().st_mtime_ns
        time.sleep(0.5)
        assert page.stat().st_mtime_ns == written
        process.send_signal(ended_by)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert err == ""
    assert data_of(page)["watch"] is None
    waits = f"; {runs} is not there yet, and is waited for"
    assert out.splitlines()[0] == f"watching every 0.1 s; Ctrl-C ends it{waits}"
    assert [entry.name for entry in tmp_path.iterdir() if ".part" in entry.name] == []
