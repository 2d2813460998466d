import re

import pytest

from sdd.__main__ import main


@pytest.mark.slow
def test_the_benchmark_prints_its_table(capsys, tmp_path):
    assert main(["bench", "--epochs", "1", "--rounds", "0", "--root", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    row = re.search(r"^mnist_lenet, an epoch.*?((?:\s+[\d.]+){5})\s+(\d+)$", out, re.MULTILINE)
    assert row is not None, out
    bare, ours, ratio, low, high = map(float, row[1].split())
    assert bare > 0
    assert ours > 0
    assert low <= ratio <= high
    assert "its two evaluations" in out


def test_the_benchmark_says_where_it_must_be_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["bench"]) == 2
    assert "configs/digits_mlp.yaml" in capsys.readouterr().err
