"""The tutorial, followed to the letter: its files, its commands in its order; only the training is short."""

import csv
import os
import shlex
import subprocess
import sys

import pytest

from sdd.__main__ import main
from sdd.analysis import load_runs
from tests.documents import TUTORIAL, blocks
from tests.small import PROJECT

SHORT = {"levels: 14": "levels: 2", "epochs_per_level: 40": "epochs_per_level: 1"}


def _run(line, capsys):
    program, *words = shlex.split(line)
    if program == "mkdir":
        os.mkdir(*words)
    elif program == "cd":
        os.chdir(*words)
    elif program == "python":
        subprocess.run([sys.executable, *words], check=True)
    elif words != ["--version"]:
        assert program == "sdd"
        assert main(words) == 0, line
    return capsys.readouterr().out


@pytest.mark.slow
def test_who_follows_the_tutorial_has_what_it_promises(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.syspath_prepend(str(tmp_path / "my_project"))
    told = {}
    for block in blocks(TUTORIAL, "python", "yaml", "sh"):
        if not block.title:
            told |= {line: _run(line, capsys) for line in block.text.splitlines()}
            continue
        text = block.text
        if block.title == "mine.yaml":
            for long, short in SHORT.items():
                assert text.count(long) == 1
                text = text.replace(long, short)
        with open(block.title, "w") as file:
            file.write(text)
    answers = [answer for line, answer in told.items() if "annotations.csv" in line and "sdd data" in line]
    assert ["393 of 1,000 training labels are wrong" in answer for answer in answers] == [True]
    runs = load_runs("runs/criteria")
    assert runs["finished"].all()
    assert runs["pruning.criterion"].nunique() == 3
    assert runs["seed_everything"].nunique() == 2
    assert {"silent_units", "test_acc"} <= {*runs.columns}
    with open("criteria.pdf", "rb") as file:
        assert file.read(5) == b"%PDF-"
    with open("criteria-numbers.csv") as file:
        assert len(list(csv.DictReader(file))) == 3 * 3, "three levels of three criteria"
