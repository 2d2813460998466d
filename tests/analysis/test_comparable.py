"""A column that runs of a group measured with different settings is not averaged without a word."""

import json

import numpy as np
import pytest
from scipy import stats

from sdd.__main__ import main
from sdd.analysis import load_runs
from sdd.analysis.columns import write_columns
from sdd.analysis.comparable import comparable
from sdd.analysis.compare import analyse_group
from sdd.analysis.grouping import group_runs
from sdd.analysis.reading import read_runs
from sdd.measures.hessian import TOP
from sdd.measures.sharpness import SHARPNESS
from tests.analysis.test_comparison import make_run


def measured(folder, seed, rho=None, **settings):
    make_run(folder / f"s{seed}", seed)
    sharpness = SHARPNESS if rho is None else SHARPNESS.measured_with(rho=rho, examples=500)
    write_columns(folder / f"s{seed}", [sharpness, *(column.measured_with(**settings) for column in TOP)])


def group_of(folder):
    (group,) = group_runs(read_runs([folder]).runs)
    return group


def test_the_deviating_run_is_left_out_of_that_column_alone_with_a_note(tmp_path):
    for seed, rho in enumerate((0.05, 0.1, 0.05)):
        measured(tmp_path, seed, rho)
    group = group_of(tmp_path)
    analysis = analyse_group(group)
    assert [note for note in analysis["notes"] if "sharpness" in note] == [
        "sharpness of s1 was measured with rho 0.1, and not 0.05 as in the others: left out of its mean and correlation"
    ]
    rows = [group.runs[index].rows for index in (0, 2)]
    for level in range(20):
        values = [one[level]["sharpness"] for one in rows]
        assert analysis["levels"][level]["sharpness"]["mean"] == pytest.approx(np.mean(values))
        assert analysis["levels"][level]["sharpness"]["n"] == 2
        assert analysis["levels"][level]["hessian_top"]["n"] == 3
        assert analysis["levels"][level]["test_acc"]["n"] == 3
    per_seed = analysis["correlations"]["sharpness"]["per_seed"]
    assert per_seed[1]["rho"] is None
    both = [[row[name] for row in rows[0]] for name in ("test_acc", "sharpness")]
    assert per_seed[0]["rho"] == pytest.approx(stats.spearmanr(*both).statistic)


def test_details_go_with_their_measure_and_have_no_note_of_their_own(tmp_path):
    for seed, tolerance in enumerate((1e-4, 1e-4, 1e-2)):
        measured(tmp_path, seed, top_tolerance=tolerance)
    runs, notes = comparable(group_of(tmp_path).runs)
    (note,) = notes
    assert "hessian_top of s2" in note
    assert "0.01, and not 0.0001" in note
    assert not any(name.startswith("hessian_top") for name in runs[2].rows[0])
    assert "hessian_top_iterations" in runs[0].rows[0]


def test_of_two_runs_the_first_holds(tmp_path):
    measured(tmp_path, 0, 0.1)
    measured(tmp_path, 1, 0.05)
    (note,) = comparable(group_of(tmp_path).runs)[1]
    assert note.startswith("sharpness of s1 ")


def test_runs_that_do_not_say_how_they_measured_are_taken_like_the_others(tmp_path):
    measured(tmp_path, 0, 0.05)
    measured(tmp_path, 1)
    make_run(tmp_path / "s2", 2)
    group = group_of(tmp_path)
    assert comparable(group.runs) == (list(group.runs), [])


def test_the_commands_and_the_table_say_so(tmp_path, capsys):
    for seed, rho in enumerate((0.05, 0.05, 0.1)):
        measured(tmp_path / "runs", seed, rho)
    words = "sharpness of s2 was measured with rho 0.1, and not 0.05 as in the others"
    assert main(["analyze", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    assert words in capsys.readouterr().out
    assert main(["report", str(tmp_path / "runs"), "--out", str(tmp_path / "report.html")]) == 0
    page = (tmp_path / "report.html").read_text()
    content = json.loads(page.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    assert any(words in note for note in content["groups"][0]["notes"])
    ways = {run["name"]: run["measured"]["sharpness"] for run in content["runs"]}
    assert ways == {"s0": 0, "s1": 0, "s2": 1}, "so that the page leaves it out of the mean"
    with pytest.warns(UserWarning, match=words):
        table = load_runs(tmp_path / "runs")
    assert table["sharpness"].notna().all(), "values stay: the table is of single runs"
