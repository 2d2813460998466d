import json
import re

import pytest

from sdd.__main__ import main
from tests.small import PROJECT


@pytest.mark.slow
def test_the_benchmark_prints_its_rows_and_writes_them_down(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT)
    asked = ["digits", "levels", "--epochs", "1", "--rounds", "1", "--levels", "1", "--root", str(tmp_path)]
    assert main(["bench", *asked, "--json", str(tmp_path / "bench.json")]) == 0
    out = capsys.readouterr().out
    found = json.loads((tmp_path / "bench.json").read_text())
    assert found["machine"]["threads"] == 1
    compared = {row["name"]: row for row in found["rows"] if row["baseline"]}
    assert len(compared) >= 3
    for row in found["rows"]:
        assert all(ours > 0 for _, ours in row["pairs"])
        named = f"{row['name']} : {row['baseline']}" if row["baseline"] else row["name"]
        printed = next(line for line in out.splitlines() if line.startswith(named))
        if row["baseline"]:
            middle, low, high, count = re.search(r"([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+(\d+)$", printed).groups()
            assert float(low) <= float(middle) <= float(high)
            assert int(count) == len(row["pairs"])
            assert row["median_ratio"] == pytest.approx(float(middle), abs=0.006)
    assert any("pruning" in row["name"] for row in found["rows"])
    assert any("FlatnessMeasures" in row["name"] for row in found["rows"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["digit"], "bench has no part digit; there are digits, mnist"),
        (["--rounds", "0"], "must be at least 1"),
        (["--json", "README.md/bench.json"], "--json"),
        (["--accelerator", "gpu"], "torch finds none here"),
    ],
)
def test_what_cannot_be_timed_is_refused(capsys, monkeypatch, arguments, said):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["bench", *arguments]) == 2
    assert said in capsys.readouterr().err
